using OnCache.Kubernetes.Client;
using OnCache.Operator.Controllers;

namespace OnCache.Operator.Webhook;

/// <summary>Brings a request together with what is known of the cluster.</summary>
/// <param name="caches">What is known.</param>
/// <param name="nodeOfPod">Asks for the node of a pod of the agents' namespace.</param>
/// <param name="agent">The agents' user.</param>
internal sealed class AdmissionJudge(ClusterCaches caches, Func<string, CancellationToken, Task<string?>> nodeOfPod, string agent)
{
    /// <summary>Judges. What is of no kind of ours is allowed.</summary>
    public async Task<AdmissionVerdict> JudgeAsync(AdmissionRequest request, CancellationToken cancellationToken)
    {
        switch (request.Kind)
        {
            case "OverlayCachePolicy" when request.SubResource.Length == 0:
                var view = caches.View;
                return PolicyAdmission.Judge(
                    request,
                    view.Policies.Where(policy => policy.Metadata.DeletionTimestamp is null).Select(ReconcilePlanner.Policy),
                    [.. view.Nodes.Select(ReconcilePlanner.Node)],
                    view.Configs.Where(config => config.Status is not null).ToDictionary(config => config.Metadata.Name!, config => config.Status!, StringComparer.Ordinal));
            case "NodeCacheConfig":
                var pod = request.User.Extra.GetValueOrDefault(NodeStatusAdmission.PodName);
                var isNodeKnown = request.User.Extra.ContainsKey(NodeStatusAdmission.NodeName);
                var node = pod is null || isNodeKnown ? null : await FindNodeAsync(pod, cancellationToken);
                return NodeStatusAdmission.Judge(request, agent, _ => node);
            default:
                return AdmissionVerdict.Allowed;
        }
    }

    private async Task<string?> FindNodeAsync(string pod, CancellationToken cancellationToken)
    {
        try
        {
            return await nodeOfPod(pod, cancellationToken);
        }
        catch (KubernetesException)
        {
            // An agent that cannot be told from another is refused, and tries again.
            return null;
        }
    }
}
