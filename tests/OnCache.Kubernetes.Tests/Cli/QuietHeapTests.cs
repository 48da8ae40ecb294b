using OnCache.Kubernetes.Cli;

namespace OnCache.Kubernetes.Tests.Cli;

public sealed class QuietHeapTests
{
    private const long Mebi = 1L << 20;

    private long _allocated;
    private int _collections;

    [Fact]
    public void What_a_burst_left_is_collected_once_it_is_over()
    {
        var heap = Heap();

        Look(heap, 40 * Mebi).ShouldBe(0);
        Look(heap, Mebi).ShouldBe(1);
        Look(heap, Mebi).ShouldBe(1);
    }

    [Fact]
    public void A_program_that_works_is_not_made_to_stand_still()
    {
        var heap = Heap();

        Look(heap, 3 * Mebi).ShouldBe(0);
        for (var look = 0; look < 10; look++)
        {
            Look(heap, 3 * Mebi).ShouldBe(1, "only what its start left");
        }
    }

    [Fact]
    public void What_comes_without_any_work_is_collected_when_it_is_worth_it()
    {
        var heap = Heap();

        for (var look = 0; look < 9; look++)
        {
            _ = Look(heap, Mebi);
        }

        _collections.ShouldBe(2);
    }

    private QuietHeap Heap() => new(() => _allocated, () => _collections++);

    private int Look(QuietHeap heap, long allocated)
    {
        _allocated += allocated;
        heap.Look();
        return _collections;
    }
}
