using OnCache.Agent.Net.Netfilter;

namespace OnCache.Agent.Tests.Net;

public sealed class NftRequestsTests
{
    [Fact]
    public void The_elements_of_a_set_that_has_gone_are_unknown_and_not_none()
    {
        using var network = TestNamespace.Create();
        using var requests = network.Run(NftRequests.TryOpen);
        Assert.SkipUnless(requests is not null, "needs a kernel with nf_tables");
        var gone = new NftSet(NftProtocol.NFPROTO_IPV4, "gone", "__map0", NftProtocol.NFT_SET_ANONYMOUS | NftProtocol.NFT_SET_MAP, 4, NftProtocol.NFT_DATA_VERDICT);

        requests.Elements(gone, 64).ShouldBeNull();
        requests.Tables().ShouldBeEmpty();
    }
}
