using System.Collections.Immutable;
using System.Runtime.InteropServices;

using OnCache.Agent.Bpf;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;

namespace OnCache.Agent.Daemon;

/// <summary>
/// Programs of others at tcx hooks that cached packets do not pass, as regions. The kernel tells nobody of them: a hook is asked when a plan
/// first has it, before its device is put to use, and then with each look.
/// </summary>
/// <param name="query">
/// The programs of others at a hook, by name, which may be empty; all of them, or those that run behind ours. Throws <see cref="BpfException"/>
/// where the kernel refuses to tell.
/// </param>
internal sealed class ForeignPrograms(Func<int, TcDirection, bool, IReadOnlyList<string>> query)
{
    private readonly HashSet<(TcxHook Hook, Finding Found)> _ofPods = [];
    private Dictionary<TcxHook, ImmutableArray<Finding>> _known = [];

    /// <summary>Whether somebody's program sees what a NIC sends, who may read marks.</summary>
    public bool MayReadMarks => _known.Any(static pair => pair.Key.Place == HookPlace.NicEgress && !pair.Value.IsEmpty);

    /// <summary>The regions for a plan. Asks the hooks that are new.</summary>
    public ImmutableArray<RuleRegion> Of(NodePlan plan, NetworkSnapshot snapshot)
    {
        _known = HooksOf(plan).ToDictionary(static hook => hook, hook => _known.TryGetValue(hook, out var found) ? found : Ask(hook));
        foreach (var (hook, found) in _known.Where(static pair => pair.Key.Place == HookPlace.Veth))
        {
            _ofPods.UnionWith(found.Select(one => (hook with { Device = 0 }, one)));
        }

        return
        [
            .. _known.Where(static pair => pair.Key.Place is not (HookPlace.NicEgress or HookPlace.Veth))
                .SelectMany(pair => pair.Value.Select(found => Region(pair.Key, found, snapshot.NameOf(pair.Key.Device)))),
            .. _ofPods.OrderBy(static one => one.Hook.Direction).ThenBy(static one => one.Found.Program, StringComparer.Ordinal)
                .SelectMany(one => OfPods(one.Hook, one.Found, snapshot)),
        ];
    }

    /// <summary>The hooks of the last plan.</summary>
    public IReadOnlyList<TcxHook> Hooks => [.. _known.Keys];

    /// <summary>Asks hooks again. From any thread: it waits for the kernel.</summary>
    public IReadOnlyList<(TcxHook Hook, ImmutableArray<Finding> Found)> Ask(IReadOnlyList<TcxHook> hooks) => [.. hooks.Select(hook => (hook, Ask(hook)))];

    /// <summary>Takes answers; whether any is another than before. Of hooks that the plan has no more nothing follows.</summary>
    public bool Take(IReadOnlyList<(TcxHook Hook, ImmutableArray<Finding> Found)> answers)
    {
        var changed = false;
        foreach (var (hook, now) in answers)
        {
            if (!_known.TryGetValue(hook, out var found) || (found.IsEmpty && now.IsEmpty))
            {
                continue;
            }

            _known[hook] = now;
            changed |= !found.SequenceEqual(now);
            if (hook.Place == HookPlace.Veth)
            {
                // Taken off a pod that lives on. What went with its pod may come with the next one.
                _ofPods.ExceptWith(found.Except(now).Select(one => (hook with { Device = 0 }, one)));
            }
        }

        return changed;
    }

    private ImmutableArray<Finding> Ask(TcxHook hook)
    {
        try
        {
            var names = query(hook.Device, hook.Direction, hook.BehindOurs);
            return names.Count == 0 ? [] : [.. names.Select(name => new Finding(
                name.Length == 0 ? "tcx program" : $"tcx program {name}", hook.BehindOurs ? "program behind ours" : "program")).Distinct()];
        }
        catch (BpfException refused)
        {
            return [new Finding($"tcx programs ({Marshal.GetPInvokeErrorMessage(refused.Errno)})", "cannot be read")];
        }
    }

    private static HashSet<TcxHook> HooksOf(NodePlan plan)
    {
        if (plan.Underlay.Value is not { } underlay)
        {
            return [];
        }

        var hooks = new HashSet<TcxHook>
        {
            new(HookPlace.Tunnel, underlay.Tunnel.IfIndex, TcDirection.Ingress),
            new(HookPlace.Tunnel, underlay.Tunnel.IfIndex, TcDirection.Egress),
        };
        foreach (var nic in plan.Nics)
        {
            _ = hooks.Add(new TcxHook(HookPlace.NicIngress, nic, TcDirection.Ingress));
            _ = hooks.Add(new TcxHook(HookPlace.NicEgress, nic, TcDirection.Egress));
        }

        foreach (var bridge in plan.PodBridges)
        {
            _ = hooks.Add(new TcxHook(HookPlace.Bridge, bridge, TcDirection.Ingress));
            _ = hooks.Add(new TcxHook(HookPlace.Bridge, bridge, TcDirection.Egress));
        }

        foreach (var veth in plan.Endpoints.Where(static endpoint => endpoint.Spec is not null).Select(static endpoint => endpoint.Attachment?.Value?.HostIfIndex).OfType<int>())
        {
            // Into the pod a packet of the fast path passes nobody here, neither before nor behind ours.
            _ = hooks.Add(new TcxHook(HookPlace.Veth, veth, TcDirection.Ingress));
            _ = hooks.Add(new TcxHook(HookPlace.Veth, veth, TcDirection.Egress));
        }

        return hooks;
    }

    private static RuleRegion Region(TcxHook hook, Finding found, string device) => new(
        hook.Place switch
        {
            HookPlace.Tunnel => new PacketClass { Way = hook.Direction == TcDirection.Ingress ? PacketWay.ToPod : PacketWay.FromPod },
            HookPlace.NicIngress => new PacketClass { Way = PacketWay.OuterIn },
            _ => OfDevice(hook, device),
        },
        RegionReach.Flows,
        $"{found.Program} at the {Words(hook.Direction)} of {device}",
        $"device {device}",
        found.Reason);

    /// <summary>One for each veth, in words that no pod's coming or going changes; where none is left, one that concerns nobody.</summary>
    private IEnumerable<RuleRegion> OfPods(TcxHook hook, Finding found, NetworkSnapshot snapshot) => _known
        .Where(pair => pair.Key with { Device = 0 } == hook && pair.Value.Contains(found))
        .Select(pair => snapshot.NameOf(pair.Key.Device))
        .DefaultIfEmpty("")
        .Select(device => new RuleRegion(OfDevice(hook, device), RegionReach.Flows, $"{found.Program} at the {Words(hook.Direction)} of pods' veths", "pods' veths", found.Reason));

    private static PacketClass OfDevice(TcxHook hook, string device) => new()
    {
        Way = hook.Direction == TcDirection.Ingress ? PacketWay.FromPod : PacketWay.ToPod,
        PodDevices = [new DevicePattern(device, IsPrefix: false, IsNegated: false)],
    };

    private static string Words(TcDirection direction) => direction == TcDirection.Ingress ? "ingress" : "egress";

    internal enum HookPlace
    {
        Tunnel,
        NicIngress,

        /// <summary>Cached packets pass it, but without the marks that rules have set.</summary>
        NicEgress,
        Bridge,
        Veth,
    }

    internal readonly record struct TcxHook(HookPlace Place, int Device, TcDirection Direction)
    {
        /// <summary>Those before ours see what takes the fast path.</summary>
        public bool BehindOurs => Place == HookPlace.NicIngress || (Place == HookPlace.Veth && Direction == TcDirection.Ingress);
    }

    /// <summary>Programs in words that are the same when they are loaded again, and why they keep flows off.</summary>
    internal readonly record struct Finding(string Program, string Reason);
}
