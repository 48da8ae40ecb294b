using System.Net.Sockets;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

public sealed class PolicyTests(TwoNodes fixture) : IClassFixture<TwoNodes>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_denial_stops_new_flows_and_only_the_cutting_one_stops_established_flows(bool cut, bool establishedLives)
    {
        var (from, to) = (fixture.Lab.Nodes[0].Pods[0], fixture.Lab.Nodes[1].Pods[0]);
        using var listener = Wire.Listener(to, to.Address);
        using var client = await Wire.ConnectAsync(from, listener.LocalEndPoint!, Wire.Patience);
        client.ShouldNotBeNull();
        using var server = await listener.AcceptAsync(Cancellation);
        (await PassesAsync(client, server, Wire.Patience)).ShouldBeTrue();

        await to.Node.DenyAsync(from, to, cut, Cancellation);
        try
        {
            (await PassesAsync(client, server, establishedLives ? Wire.Patience : Wire.Silence)).ShouldBe(establishedLives);
            (await Wire.ConnectAsync(from, listener.LocalEndPoint!, Wire.Silence)).ShouldBeNull();
            (await Wire.CanTalkAsync(to, from, Wire.Silence)).ShouldBe(establishedLives);
        }
        finally
        {
            await to.Node.AllowAsync(from, to, Cancellation);
        }

        using var again = await Wire.ConnectAsync(from, listener.LocalEndPoint!, Wire.Patience);
        again.ShouldNotBeNull();
    }

    [Fact]
    public async Task Allowing_what_was_never_denied_does_nothing()
    {
        var (from, to) = (fixture.Lab.Nodes[0].Pods[1], fixture.Lab.Nodes[1].Pods[1]);
        await to.Node.AllowAsync(from, to, Cancellation);

        (await Wire.CanTalkAsync(from, to, Wire.Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_lab_without_rules_tracks_nothing_and_says_that_it_cannot_deny()
    {
        LiveLab.Require();
        await using var bare = await OverlayLab.UpAsync(new LabOptions { Rules = NodeRules.None }, cancellationToken: Cancellation);
        var (from, to) = (bare.Nodes[0].Pods[0], bare.Nodes[1].Pods[0]);

        (await Wire.CanTalkAsync(from, to, Wire.Patience)).ShouldBeTrue();
        (await bare.Nodes[0].RunCommandAsync("cat", ["/proc/net/nf_conntrack"], Cancellation)).Output.ShouldBeEmpty();
        (await Should.ThrowAsync<LabException>(() => bare.Nodes[1].DenyAsync(from, to, cutEstablished: true, Cancellation)))
            .Message.ShouldContain("has no rules");
    }

    private static async Task<bool> PassesAsync(Socket client, Socket server, TimeSpan limit)
    {
        await client.SendAsync(new byte[] { 1 }, Cancellation);
        return await Wire.ReceiveAsync(server, limit) is { Length: 1 };
    }
}
