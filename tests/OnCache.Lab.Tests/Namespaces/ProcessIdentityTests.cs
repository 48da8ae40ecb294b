using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Tests.Namespaces;

public sealed class ProcessIdentityTests
{
    [Theory]
    [InlineData("S", 12, false)]
    [InlineData("D", 1, false)]
    [InlineData("X", 1, true)]
    [InlineData("Z", 1, true)]
    [InlineData("Z", 0, true)]
    [InlineData("Z", 3, false)]
    public void A_process_is_over_when_its_last_thread_is(string state, int threads, bool isOver) =>
        ProcessIdentity.IsOver($"77 (an) odd) name) {state} 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 {threads} 0 123456 0 0").ShouldBe(isOver);
}
