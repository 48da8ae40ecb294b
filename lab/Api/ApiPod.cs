using OnCache.Kubernetes.Entities;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Api;

/// <summary>A pod of the lab and its object.</summary>
/// <param name="Name">Namespace and name of the object; another incarnation of the same place has another.</param>
/// <param name="Uid">As the API server gave it.</param>
/// <param name="Sandbox">The network namespace, the device and the address.</param>
public sealed record ApiPod(NamespacedName Name, string Uid, LabPod Sandbox)
{
    public LabNode Node => Sandbox.Node;

    public override string ToString() => $"{Name} ({Sandbox.Name}, {Sandbox.Address})";
}
