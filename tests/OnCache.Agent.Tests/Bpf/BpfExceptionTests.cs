using OnCache.Agent.Bpf;

namespace OnCache.Agent.Tests.Bpf;

public sealed class BpfExceptionTests
{
    [Fact]
    public void Message_says_what_was_tried_and_what_the_system_answered() =>
        new BpfException("write map config", 1, "cap").Message.ShouldBe("write map config: Operation not permitted (errno 1): cap");

    [Fact]
    public void A_result_below_zero_is_an_error_number()
    {
        var error = Should.Throw<BpfException>(() => BpfException.Check(-2, "open x"));

        error.Errno.ShouldBe(2);
        error.Message.ShouldBe("open x: No such file or directory (errno 2)");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Any_other_result_passes_through(int result) => BpfException.Check(result, "open x").ShouldBe(result);
}
