using OnCache.Agent.Bpf;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>How much memory is left to the agent, by control groups of both versions and by the machine.</summary>
public sealed class MemoryBudgetTests : IDisposable
{
    private const long Megabyte = 1 << 20;
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_tightest_group_of_the_unified_hierarchy_counts_and_what_can_be_reclaimed_is_free()
    {
        Write("proc/self/cgroup", "0::/pods/pod/container\n");
        Write("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:   8000000 kB\n");
        Group("cgroup/pods/pod", max: $"{300 * Megabyte}", current: 280 * Megabyte, inactive: 0);
        Group("cgroup/pods/pod/container", max: $"{256 * Megabyte}", current: 100 * Megabyte, inactive: 30 * Megabyte);

        Read().ShouldBe(new MemoryBudget(20 * Megabyte, "the memory limit of 314.6 MB"));
    }

    [Fact]
    public void A_container_that_sees_its_group_at_the_root_has_its_limit()
    {
        Write("proc/self/cgroup", "0::/../../unknown\n");
        Group("cgroup", max: $"{256 * Megabyte}", current: 100 * Megabyte, inactive: 30 * Megabyte);

        Read().Available.ShouldBe(186 * Megabyte);
    }

    [Fact]
    public void The_first_version_is_read_as_well()
    {
        Write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n");
        Write("cgroup/memory/a/memory.limit_in_bytes", $"{128 * Megabyte}\n");
        Write("cgroup/memory/a/memory.usage_in_bytes", $"{28 * Megabyte}\n");
        Write("cgroup/memory/a/memory.stat", $"inactive_file 1\ntotal_inactive_file {Megabyte}\n");
        Write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Write("cgroup/memory/memory.usage_in_bytes", "1\n");

        Read().Available.ShouldBe(101 * Megabyte);
    }

    [Fact]
    public void Without_a_limit_the_machine_sets_the_bound()
    {
        Write("proc/self/cgroup", "0::/a\n");
        Write("proc/meminfo", "MemAvailable:   1000 kB\n");
        Group("cgroup/a", max: "max", current: 5, inactive: 0);

        Read().ShouldBe(new MemoryBudget(1_024_000, "the machine's memory"));
    }

    [Fact]
    public void Where_nothing_can_be_read_the_kernel_is_asked() => Read().Available.ShouldBe(long.MaxValue);

    [Fact]
    public void This_machine_tells() => MemoryBudget.Read().Available.ShouldBeInRange(1, 1L << 50);

    [Fact]
    public void Caches_that_do_not_fit_are_refused_in_numbers()
    {
        var sizes = new DatapathSizes(1_048_576, 1, 1);
        var fits = new MemoryBudget(200 * Megabyte, "the limit");
        fits.Require(sizes);

        var refusal = Should.Throw<BpfException>(() => new MemoryBudget(100 * Megabyte, "the limit").Require(sizes));

        SizesRefusal.IsOfMemory(refusal).ShouldBeTrue();
        refusal.Message.ShouldBe("make the caches: Cannot allocate memory (errno 12): the limit leaves 104.9 MB, 167.8 MB are needed, of which 33.6 MB are a reserve");
    }

    public void Dispose() => _folder.Dispose();

    private MemoryBudget Read() => MemoryBudget.Read(_folder.Path("proc"), _folder.Path("cgroup"));

    private void Group(string folder, string max, long current, long inactive)
    {
        Write($"{folder}/memory.max", $"{max}\n");
        Write($"{folder}/memory.current", $"{current}\n");
        Write($"{folder}/memory.stat", $"active_file 7\ninactive_file {inactive}\n");
    }

    private void Write(string name, string text)
    {
        var path = _folder.Path(name);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
