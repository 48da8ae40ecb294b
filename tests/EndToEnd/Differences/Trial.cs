using System.Globalization;
using OnCache.Agent.Net;
using OnCache.EndToEnd.Fixture;
using OnCache.EndToEnd.Traffic;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.EndToEnd.Differences;

/// <summary>One row in one lab of its own, with agents or without.</summary>
internal sealed class Trial : IAsyncDisposable
{
    /// <summary>Where the server's pod serves, by UDP and by TCP.</summary>
    public const int Port = 7777;

    private const int ClassSelector1 = 8;

    // Bytes beyond what it has: the kernel refuses it more, or ends it, soon.
    private const long Spare = 1 << 20;

    private readonly AcceleratedLab lab;
    private readonly bool accelerated;
    private readonly Observation observes;
    private readonly UdpConversation conversation;
    private readonly UdpProbe udp;
    private readonly TcpProbe tcp;
    private readonly IReadOnlyList<(LabMember Member, FrameTap Tap)> taps;
    private readonly List<MemoryLimit> limits = [];

    private Trial(AcceleratedLab lab, bool accelerated, Observation observes, UdpConversation conversation, TcpProbe tcp)
    {
        this.lab = lab;
        this.accelerated = accelerated;
        this.observes = observes;
        this.conversation = conversation;
        this.tcp = tcp;
        udp = new UdpProbe(conversation);
        taps = [.. lab.Overlay.Nodes.SelectMany(node => node.Pods.Take(1).Prepend<LabMember>(node)).Select(member => (member, new FrameTap(member)))];
    }

    /// <summary>Sets the row up and begins its flows.</summary>
    /// <param name="row">What is tried.</param>
    /// <param name="agent">The agents' program; null for the plain overlay.</param>
    public static async Task<Trial> StartAsync(Difference row, string? agent)
    {
        var made = await AcceleratedLab.PlainAsync(new LabOptions { Pods = 2 });
        UdpConversation? talk = null;
        try
        {
            foreach (var step in row.Setup)
            {
                (await PerformAsync(made, agent is not null, step)).ShouldBeNull($"'{step}' is for agents that run");
            }

            if (agent is not null)
            {
                await Task.WhenAll(made.Agents.Select(one =>
                {
                    one.Executable = agent;
                    return one.StartAsync(row.Unrestricted ? new AgentConfig { NetworkPolicies = "[]" } : null, [.. row.Options]);
                }));
            }

            talk = new UdpConversation(made.Client, made.Server, Port);
            return new Trial(made, agent is not null, row.Observes, talk, await TcpProbe.OpenAsync(made.Client, made.Server, Port));
        }
        catch
        {
            if (talk is not null)
            {
                await talk.DisposeAsync();
            }

            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the flows take the fast path; nothing in the plain lab.</summary>
    public async Task AccelerateAsync()
    {
        if (accelerated)
        {
            await lab.AcceleratedAsync();
            await lab.LearnAsync(conversation);
            if (tcp.IsOpen)
            {
                await lab.LearnAsync(tcp);
            }
        }
    }

    public async Task PerformAsync(Phase phase)
    {
        foreach (var step in phase.Steps)
        {
            if (await PerformAsync(lab, accelerated, step) is { } limit)
            {
                limits.Add(limit);
            }
        }
    }

    /// <summary>What is to be seen now.</summary>
    public async Task<Picture> LookAsync()
    {
        foreach (var (_, tap) in taps)
        {
            _ = tap.Take();
        }

        List<string> lines = [$"udp: {await udp.AnsweredAsync()}", $"tcp: {await tcp.GoesOnAsync()}", $"connect: {await tcp.OpensAsync()}"];
        if (observes.HasFlag(Observation.PathMtu))
        {
            lines.Add($"path mtu: {await udp.PathMtuAsync(lab.Client)}");
        }

        if (observes.HasFlag(Observation.SegmentSize))
        {
            lines.Add($"mss: {await tcp.SegmentSizesAsync()}");
        }

        if (observes.HasFlag(Observation.Connections))
        {
            lines.Add($"connections: {await tcp.ConnectionsAsync()}");
        }

        if (observes.HasFlag(Observation.Marked))
        {
            lines.Add($"cs1: {await udp.AnsweredAsync(ClassSelector1)}");
        }

        var form = new FrameForm(NameOf(), Port);
        var frames = taps.SelectMany(one => one.Tap.Take().Where(static frame => IsOfTheWire(frame.Device)).Select(frame => (one.Member, frame.Device, Form: form.Of(frame.Bytes))))
            .Where(static frame => frame.Form is not null)
            .Select(static frame => $"{frame.Member} {frame.Device}: {frame.Form}")
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        lines.AddRange(frames);
        return new Picture(lines, observes.HasFlag(Observation.Rate) ? await tcp.RateAsync() : null);
    }

    /// <summary>What is to be seen when two looks see the same, and the row's parts in it.</summary>
    public async Task<Picture> SettledAsync(IReadOnlyList<string> shows)
    {
        Picture? former = null;
        return await Eventually.ReadsAsync(
            LookAsync,
            picture =>
            {
                var settled = former?.IsLike(picture) == true && picture.Shows(shows);
                former = picture;
                return settled;
            },
            $"the plain overlay shows {string.Join(" and ", shows)}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, tap) in taps)
        {
            tap.Dispose();
        }

        await tcp.DisposeAsync();
        await conversation.DisposeAsync();
        await lab.DisposeAsync();
        limits.ForEach(static limit => limit.Dispose());
    }

    /// <summary>What comes from another machine, or for a pod from its node; not what passes the node's own devices on its way.</summary>
    private static bool IsOfTheWire(string device) =>
        !((string[])["veth", LabNames.Bridge, LabNames.Tunnel, "vxlan", "ifb", "lo"]).Any(own => device.StartsWith(own, StringComparison.Ordinal));

    /// <returns>What is to be taken back at the end.</returns>
    private static async Task<MemoryLimit?> PerformAsync(AcceleratedLab lab, bool accelerated, string step)
    {
        var (where, command) = step.Split(": ", 2) is [var first, var second] ? (first, second) : throw new ArgumentException($"'{step}' is not WHERE: COMMAND", nameof(step));
        if (where[0] == 'a')
        {
            return accelerated ? await PerformAsync(lab.Agents[int.Parse(where[1..], CultureInfo.InvariantCulture) - 1], command) : null;
        }

        switch (lab.Overlay.Member(where), command)
        {
            case (LabPod pod, "recreate"):
                await pod.Node.RecreatePodAsync(pod, TestContext.Current.CancellationToken);
                if (accelerated)
                {
                    // As its uid is another one.
                    await Task.WhenAll(lab.Agents.Where(agent => agent.Node == pod.Node).Select(static agent => agent.WriteAsync(agent.Config)));
                }

                break;
            case (LabNode node, "fill"):
                await FillAsync(node);
                break;
            case (var member, _):
                _ = await member.DoAsync(Fill(lab.Overlay, member, command));
                break;
        }

        return null;
    }

    /// <summary>Makes connections known to the node's conntrack that it must keep, to addresses for tests of networks (RFC 2544), until it refuses one.</summary>
    private static async Task FillAsync(LabNode node)
    {
        const int MostOfAll = 1 << 20;
        var most = node.Run(static () => int.Parse(File.ReadAllText("/proc/sys/net/netfilter/nf_conntrack_max"), CultureInfo.InvariantCulture));
        Assert.SkipUnless(most is > 0 and <= MostOfAll, $"needs net.netfilter.nf_conntrack_max of {MostOfAll} at most, it is {most}");
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(
                path,
                Enumerable.Range(0, most + 1).Select(static number => $"-A -p udp -s 198.18.{number >> 16 & 255}.1 -d 198.19.0.1 --sport {number & 65535} --dport 9 -t 600 -u SEEN_REPLY,ASSURED"),
                TestContext.Current.CancellationToken);
            var refused = await node.RunCommandAsync("conntrack", ["--load-file", path], TestContext.Current.CancellationToken);
            refused.Error.ShouldContain("not enough memory");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<MemoryLimit?> PerformAsync(LabAgent agent, string command)
    {
        switch (command)
        {
            case "kill":
                await agent.KillAsync();
                break;
            case "start":
                await agent.StartAsync();
                break;
            case "unpin":
                var folders = Directory.GetDirectories(agent.Node.BpfRoot);
                folders.ShouldNotBeEmpty();
                foreach (var folder in folders)
                {
                    Directory.Delete(folder, recursive: true);
                }

                break;
            case "unmount":
                _ = await agent.Node.DoAsync($"umount --lazy {Path.GetDirectoryName(agent.Node.BpfRoot)}");
                break;
            case "squeeze":
                var limit = MemoryLimit.Of(Spare);
                try
                {
                    limit.Add(agent.ProcessId);
                    return limit;
                }
                catch
                {
                    limit.Dispose();
                    throw;
                }

            case "unlist":
                // As whoever clears /run: the next agent cannot see that one is there.
                File.Delete(agent.Socket);
                break;
            case "twin":
                var refused = await agent.RunVerbAsync([.. agent.RunArguments().Select(word => word == agent.Socket ? $"{agent.Socket}.twin" : word)]);
                (refused.ExitCode, refused.Error).ShouldBe((1, $"oncache-agent: --pin-root: another agent works in {agent.Node.BpfRoot}; stop it, or choose another directory for another node\n"));
                break;
            default:
                throw new ArgumentException($"an agent cannot '{command}': kill, start, unpin, unmount, unlist, twin, squeeze", nameof(command));
        }

        return null;
    }

    private static string Fill(OverlayLab lab, LabMember member, string command)
    {
        foreach (var node in lab.Nodes)
        {
            command = command.Replace($"{{{node.Name}}}", node.Namespace, StringComparison.Ordinal).Replace($"{{{node.Name}.mac}}", node.TunnelMac, StringComparison.Ordinal);
            if (node == member)
            {
                command = command.Replace("{mac}", node.TunnelMac, StringComparison.Ordinal).Replace("{veth}", node.Pods[0].HostInterface, StringComparison.Ordinal);
            }
        }

        return command;
    }

    /// <summary>Names for the MAC addresses that the lab has now, and for those of its tunnel devices as they were.</summary>
    private Func<string, string> NameOf()
    {
        var names = lab.Overlay.Nodes.ToDictionary(node => node.TunnelMac, node => $"{node.Name} {node.TunnelDevice} at first", StringComparer.Ordinal);
        foreach (var member in lab.Overlay.Nodes.SelectMany(node => node.Pods.Prepend<LabMember>(node)))
        {
            foreach (var link in member.Run(static () => NetworkSnapshotReader.Read().Links.Values).Where(static link => link.Mac is not null))
            {
                var device = link.Name.StartsWith("veth", StringComparison.Ordinal) ? "veth" : link.Name;
                names[$"{link.Mac}"] = $"{member.Name} {device}";
            }
        }

        return mac => names.GetValueOrDefault(mac, mac);
    }
}
