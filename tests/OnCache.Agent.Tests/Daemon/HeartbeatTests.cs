using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Daemon;
using OnCache.Agent.Datapath;
using OnCache.Agent.Net;
using OnCache.Agent.Tests.Datapath;

namespace OnCache.Agent.Tests.Daemon;

/// <summary>What was cached while nobody read events is void before the programs may go on.</summary>
public sealed class HeartbeatTests
{
    private static readonly TimeSpan s_settle = TimeSpan.FromMinutes(1);

    private static readonly EndpointSpec s_pod = new(
        Ipv4Address.Parse("10.244.1.2"),
        "uid-web",
        IfIndex: 11,
        MacAddress.Parse("02:00:00:00:01:02"),
        MacAddress.Parse("02:00:00:00:01:01"),
        Mtu: 1450,
        EndpointMode.Accelerate,
        ProtocolBits.All,
        EndpointFlags.None);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_beat_voids_everything_and_holds_every_endpoint_back(bool deadlineOfAnEarlierAgent)
    {
        using var kernel = new FreshDatapath();
        var controller = Controller(kernel);
        controller.Endpoints.Apply([s_pod], settle: 0);
        kernel.Maps.Config[0].HeartbeatDeadline = deadlineOfAnEarlierAgent ? ulong.MaxValue : 0;
        var (epoch, before) = (kernel.Maps.Config[0].Epoch, MonotonicClock.Now());

        controller.RenewHeartbeat(s_settle);

        kernel.Maps.Config[0].Epoch.ShouldBe(epoch + 1);
        LearnAfter(kernel, controller).ShouldBeGreaterThanOrEqualTo(before + MonotonicClock.Nanoseconds(s_settle));
        controller.LastFlush!.Cause.ShouldBe(FlushCause.AgentStart);
    }

    [Fact]
    public void A_beat_in_time_voids_nothing()
    {
        using var kernel = new FreshDatapath();
        var controller = Controller(kernel);
        controller.RenewHeartbeat(s_settle);
        kernel.Maps.Config[0].HeartbeatDeadline = ulong.MaxValue;
        var epoch = kernel.Maps.Config[0].Epoch;

        controller.RenewHeartbeat(s_settle);

        kernel.Maps.Config[0].Epoch.ShouldBe(epoch);
        kernel.Maps.Config[0].HeartbeatDeadline.ShouldBeLessThan(ulong.MaxValue);
    }

    [Fact]
    public void A_beat_that_comes_late_voids_before_it_renews()
    {
        using var kernel = new FreshDatapath();
        var controller = Controller(kernel);
        controller.Endpoints.Apply([s_pod], settle: 0);
        controller.RenewHeartbeat(TimeSpan.Zero);
        kernel.Maps.Config[0].HeartbeatDeadline = 1;
        var (epoch, before) = (kernel.Maps.Config[0].Epoch, MonotonicClock.Now());

        controller.RenewHeartbeat(s_settle);

        kernel.Maps.Config[0].Epoch.ShouldBe(epoch + 1);
        LearnAfter(kernel, controller).ShouldBeGreaterThanOrEqualTo(before + MonotonicClock.Nanoseconds(s_settle));
        kernel.Maps.Config[0].HeartbeatDeadline.ShouldBeGreaterThan(before);
        controller.LastFlush!.Cause.ShouldBe(FlushCause.Silence);
    }

    private static DatapathController Controller(FreshDatapath kernel) =>
        new(kernel.Datapath, new IdleAttacher(), new AgentSettings { HeartbeatTimeout = TimeSpan.FromHours(1) }, static (_, _) => { });

    private static ulong LearnAfter(FreshDatapath kernel, DatapathController controller) =>
        kernel.Maps.IngressCache[controller.Endpoints.SlotOf(s_pod.Address)!.Value].LearnAfter;
}
