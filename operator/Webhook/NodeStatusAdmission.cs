namespace OnCache.Operator.Webhook;

/// <summary>Keeps an agent from writing another node's status. A pure function.</summary>
/// <remarks>
/// Where the API server can judge by itself (a ValidatingAdmissionPolicy, 1.30), it does; the same rule here is for those that cannot.
/// </remarks>
internal static class NodeStatusAdmission
{
    /// <summary>In a token bound to a pod: the node the pod runs on, 1.30.</summary>
    public const string NodeName = "authentication.kubernetes.io/node-name";

    /// <summary>In a token bound to a pod: the pod.</summary>
    public const string PodName = "authentication.kubernetes.io/pod-name";

    /// <summary>Judges a write to a NodeCacheConfig.</summary>
    /// <param name="request">The write.</param>
    /// <param name="agent">The agents' user.</param>
    /// <param name="nodeOfPod">The node of the agents' pod of that name; absent when there is none.</param>
    public static AdmissionVerdict Judge(AdmissionRequest request, string agent, Func<string, string?> nodeOfPod)
    {
        // Who else may write is for RBAC to say.
        if (!string.Equals(request.User.Name, agent, StringComparison.Ordinal))
        {
            return AdmissionVerdict.Allowed;
        }

        var node = request.User.Extra.GetValueOrDefault(NodeName)
            ?? (request.User.Extra.TryGetValue(PodName, out var pod) ? nodeOfPod(pod) : null);
        return node is null
            ? AdmissionVerdict.Denied("the token of the agent is bound to no pod that runs; mount a projected service account token")
            : string.Equals(node, request.Name, StringComparison.Ordinal)
                ? AdmissionVerdict.Allowed
                : AdmissionVerdict.Denied($"the agent of node {node} may write the status of {node} alone, not of {request.Name}");
    }
}
