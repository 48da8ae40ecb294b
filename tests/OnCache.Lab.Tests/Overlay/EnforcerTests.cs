using System.Net;
using System.Net.Sockets;
using OnCache.Lab.Overlay;
using OnCache.Lab.Policy;

namespace OnCache.Lab.Tests.Overlay;

public sealed class EnforcerTests(TwoNodes fixture) : IClassFixture<TwoNodes>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private LabPod From => fixture.Lab.Nodes[0].Pods[0];

    private LabPod To => fixture.Lab.Nodes[1].Pods[0];

    [Theory]
    [InlineData(EnforcerKind.NewOnly, true)]
    [InlineData(EnforcerKind.Cutting, false)]
    [InlineData(EnforcerKind.Forgetting, false)]
    public async Task Each_kind_denies_new_flows_and_treats_established_ones_in_its_way(EnforcerKind kind, bool establishedLives)
    {
        using var listener = Wire.Listener(To, To.Address);
        using var client = await Wire.ConnectAsync(From, listener.LocalEndPoint!, Wire.Patience);
        client.ShouldNotBeNull();
        using var server = await listener.AcceptAsync(Cancellation);
        (await PassesAsync(client, server, Wire.Patience)).ShouldBeTrue();
        var enforcer = new PolicyEnforcer(fixture.Lab, kind);
        try
        {
            await enforcer.ApplyAsync([new DenyRule(From, To)], Cancellation);

            (await PassesAsync(client, server, establishedLives ? Wire.Patience : Wire.Silence)).ShouldBe(establishedLives);
            (await Wire.ConnectAsync(From, listener.LocalEndPoint!, Wire.Silence)).ShouldBeNull();
        }
        finally
        {
            await enforcer.RemoveAsync(CancellationToken.None);
        }

        using var again = await Wire.ConnectAsync(From, listener.LocalEndPoint!, Wire.Patience);
        again.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_rule_with_a_port_denies_that_port_only_and_a_policy_replaces_the_one_before()
    {
        using var first = Wire.Listener(To, To.Address);
        using var second = Wire.Listener(To, To.Address);
        var enforcer = new PolicyEnforcer(fixture.Lab, EnforcerKind.Cutting);
        try
        {
            await enforcer.ApplyAsync([Deny(first), new DenyRule(To, From, ProtocolType.Udp)], Cancellation);
            (await ConnectsAsync(first, Wire.Silence)).ShouldBeFalse();
            (await ConnectsAsync(second, Wire.Patience)).ShouldBeTrue();

            await enforcer.ApplyAsync([Deny(second)], Cancellation);
            (await ConnectsAsync(first, Wire.Patience)).ShouldBeTrue();
            (await ConnectsAsync(second, Wire.Silence)).ShouldBeFalse();
            (await Wire.CanTalkAsync(From, To, Wire.Patience)).ShouldBeTrue();
        }
        finally
        {
            await enforcer.RemoveAsync(CancellationToken.None);
        }

        DenyRule Deny(Socket listener) => new(From, To, ProtocolType.Tcp, ((IPEndPoint)listener.LocalEndPoint!).Port);
    }

    [Theory]
    [InlineData(ProtocolType.Icmp, 80, "port 80 needs the protocol Tcp or Udp")]
    [InlineData(null, 80, "port 80 needs the protocol Tcp or Udp")]
    [InlineData(ProtocolType.Tcp, 0, "port 0 is not between 1 and 65535")]
    [InlineData(ProtocolType.Igmp, null, "protocol Igmp is none of Tcp, Udp and Icmp")]
    public void A_rule_that_means_nothing_is_refused(ProtocolType? protocol, int? port, string reason)
    {
        var (from, to) = (From, To);

        Should.Throw<LabException>(() => new DenyRule(from, to, protocol, port)).Message.ShouldContain(reason);
    }

    private async Task<bool> ConnectsAsync(Socket listener, TimeSpan limit)
    {
        using var client = await Wire.ConnectAsync(From, listener.LocalEndPoint!, limit);
        return client is not null;
    }

    private static async Task<bool> PassesAsync(Socket client, Socket server, TimeSpan limit)
    {
        await client.SendAsync(new byte[] { 1 }, Cancellation);
        return await Wire.ReceiveAsync(server, limit) is { Length: 1 };
    }
}
