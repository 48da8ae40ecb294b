namespace OnCache.Lab.Topology;

/// <summary>The batches for <c>ip</c> and <c>bridge</c> that build a plan. Pure: text in the tools' own language.</summary>
/// <remarks>Every veth is created with both ends in their final namespaces, so nothing ever shows in the root namespace.</remarks>
internal static class TopologyScript
{
    /// <summary>Run in the root namespace: all namespaces and the links between them.</summary>
    public static string Root(LabPlan plan)
    {
        var names = new LabNames(plan.Name);
        var script = new Batch();
        foreach (var ns in Namespaces(plan))
        {
            script.Line($"netns add {ns}");
        }

        if (plan.HasWireBridge)
        {
            foreach (var node in plan.Nodes)
            {
                script.Line($"{VethNode(plan, names, node)} peer name {node.Name} mtu {plan.Mtu} netns {names.WireNamespace}");
            }
        }
        else
        {
            var (a, b) = (plan.Nodes[0], plan.Nodes[1]);
            script.Line($"{VethNode(plan, names, a)} peer name {LabNames.Underlay} mtu {plan.Mtu} address {b.UnderlayMac} netns {names.Namespace(b.Name)}");
        }

        foreach (var pod in plan.Nodes.SelectMany(node => node.Pods))
        {
            script.Line(VethPod(plan, names, pod));
        }

        return script.ToString();
    }

    public static IEnumerable<string> Namespaces(LabPlan plan)
    {
        var names = new LabNames(plan.Name);
        var members = plan.Nodes.SelectMany(node => node.Pods.Select(pod => pod.Name).Prepend(node.Name)).Select(names.Namespace);
        return plan.HasWireBridge ? members.Prepend(names.WireNamespace) : members;
    }

    public static string Wire(LabPlan plan)
    {
        var script = new Batch();
        script.Line($"link add {LabNames.WireBridge} mtu {plan.Mtu} type bridge");
        script.Line($"link set {LabNames.WireBridge} up");
        foreach (var node in plan.Nodes)
        {
            script.Line($"link set {node.Name} master {LabNames.WireBridge} up");
        }

        return script.ToString();
    }

    /// <summary>Run in the node's namespace: its addresses, tunnel, bridge and routes, in flannel's layout.</summary>
    public static string Node(LabPlan plan, NodePlan node)
    {
        var script = new Batch();
        script.Line("link set lo up");
        script.Line($"link set {LabNames.Underlay} up");
        script.Line($"address add {AddressPlan.Node(node.Index)}/{AddressPlan.NodePrefixLength} dev {LabNames.Underlay}");

        // Nobody has the gateway's address, but without a route the node could not send to a service's address before its translation.
        script.Line($"route add default via {AddressPlan.WireGateway}");
        script.Line($"link add {LabNames.Bridge} mtu {plan.PodMtu} type bridge");
        script.Line($"link set {LabNames.Bridge} up");
        script.Line($"address add {AddressPlan.Gateway(node.Index)}/{AddressPlan.PodPrefixLength} dev {LabNames.Bridge}");
        TunnelScript.Device(script, End(node), plan.PodMtu);
        foreach (var peer in Peers(plan, node))
        {
            TunnelScript.Peer(script, End(peer));
        }

        foreach (var pod in node.Pods)
        {
            PlugIn(script, pod);
        }

        return script.ToString();
    }

    /// <summary>For <c>bridge -batch</c> in the node's namespace: where each remote tunnel end lives.</summary>
    public static string ForwardingDatabase(LabPlan plan, NodePlan node)
    {
        var script = new Batch();
        foreach (var peer in Peers(plan, node))
        {
            TunnelScript.Forwarding(script, End(peer));
        }

        return script.ToString();
    }

    /// <summary>Run in the pod's namespace.</summary>
    public static string Pod(PodPlan pod)
    {
        var script = new Batch();
        script.Line("link set lo up");
        script.Line($"link set {LabNames.Underlay} up");
        script.Line($"address add {AddressPlan.Pod(pod.Node, pod.Index)}/{AddressPlan.PodPrefixLength} dev {LabNames.Underlay}");
        script.Line($"route add default via {AddressPlan.Gateway(pod.Node)}");

        // As CNI plugins do, the pod makes itself known: its node may still have the MAC address of a pod that had the address before, for up
        // to a minute. The kernel asks for the gateway's until it is answered.
        script.Line($"neighbour replace {AddressPlan.Gateway(pod.Node)} dev {LabNames.Underlay} nud none use");
        return script.ToString();
    }

    /// <summary>Run in the root namespace: one more pod's namespace and link.</summary>
    public static string AddPodRoot(LabPlan plan, PodPlan pod)
    {
        var names = new LabNames(plan.Name);
        var script = new Batch();
        script.Line($"netns add {names.Namespace(pod.Name)}");
        script.Line(VethPod(plan, names, pod));
        return script.ToString();
    }

    /// <summary>Run in the node's namespace: the bridge end of one more pod.</summary>
    public static string AddPodNode(PodPlan pod)
    {
        var script = new Batch();
        PlugIn(script, pod);
        return script.ToString();
    }

    public static string DeleteNamespaces(IEnumerable<string> namespaces)
    {
        var script = new Batch();
        foreach (var ns in namespaces)
        {
            script.Line($"netns delete {ns}");
        }

        return script.ToString();
    }

    private static IEnumerable<NodePlan> Peers(LabPlan plan, NodePlan node) => plan.Nodes.Where(other => other.Index != node.Index);

    private static TunnelEnd End(NodePlan node) => new(AddressPlan.Node(node.Index), AddressPlan.PodCidr(node.Index), node.TunnelMac);

    private static string VethNode(LabPlan plan, LabNames names, NodePlan node) =>
        $"link add name {LabNames.Underlay} mtu {plan.Mtu} address {node.UnderlayMac} netns {names.Namespace(node.Name)} type veth";

    private static string VethPod(LabPlan plan, LabNames names, PodPlan pod) =>
        $"link add name {LabNames.Underlay} mtu {plan.PodMtu} address {pod.Mac} netns {names.Namespace(pod.Name)} type veth "
        + $"peer name {pod.HostInterface} mtu {plan.PodMtu} netns {names.Namespace(LabNames.Node(pod.Node))}";

    private static void PlugIn(Batch script, PodPlan pod)
    {
        script.Line($"link set {pod.HostInterface} master {LabNames.Bridge} up");

        // The bridge CNI plugin turns hairpin on so that a pod can reach itself through its own Service.
        script.Line($"link set {pod.HostInterface} type bridge_slave hairpin on");
    }
}
