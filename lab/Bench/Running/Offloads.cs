using OnCache.Lab.Bench.Results;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Running;

/// <summary>Segmentation and merging by or below the devices of a lab.</summary>
internal static class Offloads
{
    private static readonly string[] Features = ["tso", "gso", "gro"];

    /// <summary>Switches them on every device of the nodes and pods.</summary>
    /// <exception cref="LabException">ethtool is missing, or a device refuses.</exception>
    public static async Task SwitchAsync(OverlayLab lab, bool on, CancellationToken cancellationToken)
    {
        foreach (var (member, device) in Devices(lab))
        {
            string[] arguments = ["-K", device, .. Features.SelectMany(feature => (string[])[feature, on ? "on" : "off"])];
            (await member.RunCommandAsync("ethtool", arguments, cancellationToken)).EnsureSuccess();
        }
    }

    /// <summary>What is on, by device, of a node and one of its pods.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> DescribeAsync(OverlayLab lab, CancellationToken cancellationToken)
    {
        var (node, pod) = (lab.Nodes[0], lab.Nodes[0].Pods[0]);
        var features = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        (string Name, LabMember Member, string Device)[] devices =
            [("node NIC (veth)", node, node.UnderlayDevice), ("node tunnel (vxlan)", node, node.TunnelDevice), ("pod (veth)", pod, pod.Device)];
        foreach (var (name, member, device) in devices)
        {
            features[name] = MachineFacts.ParseFeatures((await member.RunCommandAsync("ethtool", ["-k", device], cancellationToken)).EnsureSuccess().Output);
        }

        return features;
    }

    private static IEnumerable<(LabMember Member, string Device)> Devices(OverlayLab lab)
    {
        foreach (var node in lab.Nodes)
        {
            yield return (node, node.UnderlayDevice);
            yield return (node, node.TunnelDevice);
            yield return (node, node.BridgeDevice);
            foreach (var pod in node.Pods)
            {
                yield return (node, pod.HostInterface);
                yield return (pod, pod.Device);
            }
        }
    }
}
