using System.Net;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Tests.Overlay;

public sealed class LabLifeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lab_leaves_nothing_behind_its_processes_included()
    {
        LiveLab.Require();
        ProcessIdentity sleeper;
        string name;
        await using (var lab = await OverlayLab.UpAsync(new LabOptions { Nodes = 3 }, cancellationToken: Cancellation))
        {
            name = lab.Name;
            sleeper = lab.Nodes[0].Pods[0].StartProcess("sleep", "1000").Identity;
            Directory.Exists(lab.Nodes[2].BpfRoot).ShouldBeTrue();
            sleeper.IsAlive.ShouldBeTrue();
            LabSummary.Of(name).ToString().ShouldBe($"{name}: up, 3 nodes, 3 pods, 1 processes");
        }

        sleeper.IsAlive.ShouldBeFalse();
        ShouldBeGone(name);
        await OverlayLab.DownAsync(name, Cancellation);
    }

    [Theory]
    [InlineData("namespaces")]
    [InlineData("nodes")]
    [InlineData("pods")]
    [InlineData("agent files")]
    public async Task A_lab_that_fails_to_come_up_leaves_nothing_behind(string stage)
    {
        LiveLab.Require();
        var options = new LabOptions { Nodes = 3 };

        await Should.ThrowAsync<TimeoutException>(() => OverlayLab.UpAsync(options, new Fault(stage), Cancellation));

        ShouldBeGone(options.Name);
    }

    [Fact]
    public async Task Two_labs_of_the_same_addresses_do_not_meet()
    {
        LiveLab.Require();
        await using var one = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);
        await using var other = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);
        var (here, there) = (one.Nodes[1].Pods[0], other.Nodes[1].Pods[0]);
        here.Address.ShouldBe(there.Address);
        (await Wire.CanTalkAsync(one.Nodes[0].Pods[0], here, Wire.Patience)).ShouldBeTrue();
        (await Wire.CanTalkAsync(other.Nodes[0].Pods[0], there, Wire.Patience)).ShouldBeTrue();

        using var server = Wire.Udp(here, here.Address);
        using var stranger = Wire.Udp(other.Nodes[0].Pods[0], IPAddress.Any);
        await stranger.SendToAsync(new byte[1], Wire.EndPoint(server), Cancellation);
        (await Wire.ReceiveAsync(server, Wire.Silence)).ShouldBeNull();

        await one.DisposeAsync();
        (await Wire.CanTalkAsync(other.Nodes[0].Pods[0], there, Wire.Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_taken_name_is_refused_and_the_lab_that_has_it_lives_on()
    {
        LiveLab.Require();
        await using var lab = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);

        (await Should.ThrowAsync<LabException>(() => OverlayLab.UpAsync(new LabOptions { Name = lab.Name }, cancellationToken: Cancellation)))
            .Message.ShouldBe($"lab '{lab.Name}' exists already: take it down with 'oncache-lab down --name {lab.Name}'");
        (await Wire.CanTalkAsync(lab.Nodes[0].Pods[0], lab.Nodes[1].Pods[0], Wire.Patience)).ShouldBeTrue();
    }

    [Fact]
    public async Task The_lab_of_a_dead_process_is_cleaned_away_by_the_next_one()
    {
        LiveLab.Require();
        var options = new LabOptions { Detached = true };
        await using (await OverlayLab.UpAsync(options, cancellationToken: Cancellation))
        {
        }

        try
        {
            var state = LabState.Read(options.Name)!;
            state.Owner.ShouldBeNull();

            // This pid lives, but with another start time: the owner was a process that had the pid before.
            (state with { Owner = ProcessIdentity.Current with { StartTicks = 1 } }).Save();
            LabSummary.Of(options.Name).State.ShouldBe("stale");
            await using var next = await OverlayLab.UpAsync(new LabOptions(), cancellationToken: Cancellation);
            ShouldBeGone(options.Name);
        }
        finally
        {
            await OverlayLab.DownAsync(options.Name, Cancellation);
        }
    }

    [Fact]
    public void Loading_what_is_not_there_says_how_to_make_it() =>
        Should.Throw<LabException>(() => OverlayLab.Load("nowhere")).Message.ShouldContain("oncache-lab up --name nowhere");

    [Fact]
    public async Task A_process_with_a_reused_pid_is_not_ended()
    {
        await using var mine = LabProcess.Start("sleep", ["1000"]);
        await (mine.Identity with { StartTicks = mine.Identity.StartTicks - 1 }).EndAsync(TimeSpan.FromSeconds(1), Cancellation);
        mine.Identity.IsAlive.ShouldBeTrue();

        await mine.Identity.EndAsync(TimeSpan.FromSeconds(3), Cancellation);
        mine.Identity.IsAlive.ShouldBeFalse();
    }

    private static void ShouldBeGone(string name)
    {
        var names = new LabNames(name);
        NetworkNamespace.List().ShouldNotContain(ns => names.Owns(ns));
        Directory.Exists(names.Folder).ShouldBeFalse();
        File.ReadAllText("/proc/self/mounts").ShouldNotContain(names.Folder);
    }

    private sealed class Fault(string stage) : IProgress<string>
    {
        public void Report(string value)
        {
            if (value == stage)
            {
                throw new TimeoutException(stage);
            }
        }
    }
}
