using OnCache.Operator.Controllers;

namespace OnCache.Operator.Tests.Controllers;

public sealed class SentWritesTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private readonly SentWrites _sent = new(TimeSpan.FromSeconds(5));

    public SentWritesTests() => _sent.Add("n1", "a", "7", Now);

    [Fact]
    public void The_same_write_is_not_sent_again_until_the_cache_has_moved()
    {
        _sent.IsUnderway("n1", "a", "7", Now.AddSeconds(4)).ShouldBeTrue();
        _sent.IsUnderway("n1", "a", "8", Now.AddSeconds(4)).ShouldBeFalse();
    }

    [Fact]
    public void Another_write_another_object_and_one_that_never_arrived_are_sent()
    {
        _sent.IsUnderway("n1", "b", "7", Now).ShouldBeFalse();
        _sent.IsUnderway("n2", "a", "7", Now).ShouldBeFalse();
        _sent.IsUnderway("n1", "a", "7", Now.AddSeconds(5)).ShouldBeFalse();
    }

    [Fact]
    public void What_is_gone_is_forgotten()
    {
        _sent.Keep(new HashSet<string>(StringComparer.Ordinal));

        _sent.LastAt("n1").ShouldBeNull();
    }
}
