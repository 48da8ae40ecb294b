using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Tests.Resilience;

public sealed class BackoffProperties
{
    private static readonly Gen<(Backoff Backoff, int Failures, double Sample)> Cases =
        from first in Gen.Choose(1, 5000)
        from factor in Gen.Choose(1, 1000)
        from failures in Gen.OneOf(Gen.Choose(1, 40), Gen.Constant(int.MaxValue))
        from sample in Gen.Choose(0, 999)
        select (new Backoff(TimeSpan.FromMilliseconds(first), TimeSpan.FromMilliseconds(first * (double)factor)), failures, sample / 1000d);

    [Fact]
    public void A_wait_lies_between_half_the_first_and_the_longest() => Prop.ForAll(Cases.ToArbitrary(), given =>
    {
        var wait = given.Backoff.Delay(given.Failures, given.Sample);
        return wait >= given.Backoff.Base / 2 && wait <= given.Backoff.Cap;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Each_failure_doubles_the_wait_until_the_longest()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));

        Enumerable.Range(1, 5).Select(failures => backoff.Delay(failures, 0).TotalSeconds).ShouldBe([0.5, 1, 2, 2.5, 2.5]);
    }
}
