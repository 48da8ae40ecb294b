using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Controllers;
using OnCache.Kubernetes.Resilience;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Controllers;

/// <summary>What holds of the queue whatever is done with it, against a model of a few lines.</summary>
public sealed class WorkQueueProperties
{
    private static readonly Backoff Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));

    private enum Step
    {
        Add,
        AddLater,
        Fail,
        Take,
        Done,
        Wait,
    }

    private static readonly Gen<(Step Step, string Key)[]> Scripts =
        from steps in (from step in Gen.Elements(Enum.GetValues<Step>())
                       from key in Gen.Elements("a", "b", "c")
                       select (step, key)).ListOf()
        select steps.ToArray();

    [Fact]
    public void No_key_is_handed_out_twice_at_a_time_and_no_addition_is_lost() =>
        Prop.ForAll(Scripts.ToArbitrary(), script =>
        {
            var time = new ManualTime();
            using var queue = new WorkQueue<string>(Backoff, time, new Random(1));
            var owed = new HashSet<string>();
            var later = new HashSet<string>();
            var working = new HashSet<string>();

            bool TakeOne()
            {
                var take = queue.TakeAsync(CancellationToken.None);
                // Only what was asked for comes, at once, and only while no one works on it.
                return take.IsCompletedSuccessfully && take.Result is var key && owed.Remove(key) && working.Add(key);
            }

            foreach (var (step, key) in script)
            {
                switch (step)
                {
                    case Step.Add:
                        queue.Add(key);
                        _ = owed.Add(key);
                        break;
                    case Step.AddLater:
                        queue.AddAfter(key, TimeSpan.FromSeconds(3));
                        _ = later.Add(key);
                        break;
                    case Step.Fail:
                        queue.AddFailed(key);
                        _ = later.Add(key);
                        break;
                    case Step.Take when owed.Except(working).Any():
                        TakeOne().ShouldBeTrue();
                        break;
                    case Step.Done when working.Remove(key):
                        queue.Done(key);
                        break;
                    case Step.Wait:
                        time.Advance(TimeSpan.FromSeconds(8));
                        owed.UnionWith(later);
                        later.Clear();
                        break;
                }
            }

            time.Advance(TimeSpan.FromSeconds(8));
            owed.UnionWith(later);
            foreach (var key in working.ToArray())
            {
                _ = working.Remove(key);
                queue.Done(key);
            }

            while (owed.Count > 0)
            {
                TakeOne().ShouldBeTrue();
            }

            return queue.Count == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Failures_wait_longer_and_longer_until_forgotten()
    {
        var time = new ManualTime();
        using var queue = new WorkQueue<string>(Backoff, time, new Random(1));

        foreach (var (shortest, longest) in ((double, double)[])[(0.5, 1), (1, 2), (2, 4), (4, 8), (4, 8)])
        {
            await FailAsync(queue, time, shortest, longest);
        }

        queue.Forget("a");
        await FailAsync(queue, time, 0.5, 1);
    }

    [Fact]
    public async Task Of_several_delays_the_earliest_counts_once()
    {
        var time = new ManualTime();
        using var queue = new WorkQueue<string>(Backoff, time, new Random(1));

        queue.AddAfter("a", TimeSpan.FromSeconds(5));
        queue.AddAfter("a", TimeSpan.FromSeconds(2));
        queue.AddAfter("a", TimeSpan.FromSeconds(9));
        time.Advance(TimeSpan.FromSeconds(2));
        queue.Count.ShouldBe(1);
        queue.Done(await queue.TakeAsync(TestContext.Current.CancellationToken));
        time.Advance(TimeSpan.FromMinutes(1));

        queue.Count.ShouldBe(0);
    }

    private static async Task FailAsync(WorkQueue<string> queue, ManualTime time, double shortest, double longest)
    {
        queue.AddFailed("a");
        time.Advance(TimeSpan.FromSeconds(shortest) - TimeSpan.FromMilliseconds(1));
        queue.Count.ShouldBe(0);
        time.Advance(TimeSpan.FromSeconds(longest - shortest) + TimeSpan.FromMilliseconds(2));
        queue.Count.ShouldBe(1);
        queue.Done(await queue.TakeAsync(TestContext.Current.CancellationToken));
    }
}
