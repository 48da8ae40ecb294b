using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Bpf;

namespace OnCache.Agent.Tests.Datapath;

public sealed class TcxChainTests
{
    [Theory]
    [InlineData(19, true, true)]
    [InlineData(2, true, true)]
    [InlineData(22, false, true)]
    [InlineData(22, true, false)]
    [InlineData(1, true, false)]
    [InlineData(12, false, false)]
    public void There_are_none_where_the_device_or_tcx_is_not_there_and_nowhere_else(int errno, bool isThere, bool none) =>
        TcxChain.MeansNone(errno, isThere).ShouldBe(none);

    [Fact]
    public void A_device_that_has_gone_has_none()
    {
        _ = LoadedPrograms.RequireKernel();

        TcxChain.Of(int.MaxValue, TcDirection.Ingress).ShouldBeEmpty();
    }
}
