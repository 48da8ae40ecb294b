using System.Net;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>One incarnation of a pod. Re-creating it gives a new object; this one then names a pod that is gone.</summary>
public sealed class LabPod : LabMember, IPod
{
    internal LabPod(LabNode node, string lab, PodPlan plan)
        : base(lab, plan.Name)
    {
        Node = node;
        Plan = plan;
        Address = AddressPlan.Pod(plan.Node, plan.Index);
    }

    public LabNode Node { get; }

    public IPAddress Address { get; }

    /// <summary>The device inside the pod.</summary>
    public string Device { get; } = LabNames.Underlay;

    /// <summary>The node's end of the pod's veth pair.</summary>
    public string HostInterface => Plan.HostInterface;

    /// <summary>MAC address of the device inside the pod, as aa:bb:cc:dd:ee:ff.</summary>
    public string Mac => Plan.Mac;

    public Guid Uid => Plan.Uid;

    internal PodPlan Plan { get; }
}
