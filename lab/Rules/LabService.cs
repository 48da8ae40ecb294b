using System.Net;
using System.Security.Cryptography;
using System.Text;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Rules;

/// <summary>A ClusterIP service of the lab: TCP and UDP port 80 on a virtual address, DNATed to port 8080 of its endpoints.</summary>
public sealed record LabService(string Name, IPAddress ClusterAddress, IReadOnlyList<IPAddress> Endpoints)
{
    public const int Count = 20;
    public const int Port = 80;
    public const int TargetPort = 8080;
    private const int EndpointsEach = 2;

    /// <summary>The services of a plan; pods are dealt to them in turn, over the nodes.</summary>
    public static IReadOnlyList<LabService> Of(LabPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var pods = Enumerable.Range(1, plan.PodsAtStart)
            .SelectMany(pod => plan.Nodes.Select(node => AddressPlan.Pod(node.Index, pod)))
            .ToArray();
        return Deal(pods, Count);
    }

    /// <summary>So many services, to which pods are dealt in turn.</summary>
    internal static IReadOnlyList<LabService> Deal(IReadOnlyList<IPAddress> pods, int count) =>
    [
        .. Enumerable.Range(0, count).Select(service => new LabService(
            $"svc-{service + 1}",
            AddressPlan.Service(service + 1),
            [.. Enumerable.Range(0, EndpointsEach).Select(n => pods[((service * EndpointsEach) + n) % pods.Count])])),
    ];

    /// <summary>Sixteen letters and digits from a name, as kube-proxy tells its chains apart within iptables' 28 characters.</summary>
    internal static string ChainHash(string text)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        return string.Concat(SHA256.HashData(Encoding.UTF8.GetBytes(text)).Take(16).Select(b => Alphabet[b % Alphabet.Length]));
    }
}
