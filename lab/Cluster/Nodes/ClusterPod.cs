using System.Globalization;
using System.Net;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Nodes;

/// <summary>A pod that runs in a cluster. It names this incarnation alone: once the pod is gone, so is its network.</summary>
public sealed class ClusterPod : IPod
{
    private readonly ProcessIdentity sandbox;

    internal ClusterPod(string name, string node, Guid uid, IPAddress address)
    {
        Name = name;
        Node = node;
        Uid = uid;
        Address = address;
        sandbox = PodProcesses.Find(uid, PodProcesses.Sandbox)
            ?? throw new LabException($"pod {name} has no sandbox on this machine: it is not running");
    }

    public string Name { get; }

    /// <summary>The name of its node.</summary>
    public string Node { get; }

    public Guid Uid { get; }

    public IPAddress Address { get; }

    /// <summary>The container's own process that runs this program, as this machine knows it; null when there is none.</summary>
    /// <param name="command">As in <c>/proc/PID/comm</c>: at most 15 characters.</param>
    public ProcessIdentity? FindProcess(string command) => PodProcesses.Find(Uid, command);

    /// <inheritdoc/>
    public T Run<T>(Func<T> work) =>
        sandbox.IsAlive
            ? NetworkNamespace.Run(string.Create(CultureInfo.InvariantCulture, $"/proc/{sandbox.Pid}/ns/net"), work)
            : throw new LabException($"pod {Name} on {Node} is gone");

    public override string ToString() => $"{Name} on {Node}";
}
