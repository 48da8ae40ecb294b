using System.Text.Json;
using System.Text.Json.Nodes;
using OnCache.Api;
using OnCache.Kubernetes.Serialization;
using OnCache.Operator.Compilation;
using OnCache.Operator.Validation;

namespace OnCache.Operator.Webhook;

/// <summary>Judges a policy before it is stored. A pure function.</summary>
internal static class PolicyAdmission
{
    /// <summary>Judges.</summary>
    /// <param name="request">What is to be stored.</param>
    /// <param name="others">The policies that are there.</param>
    /// <param name="nodes">The nodes that are there.</param>
    public static AdmissionVerdict Judge(AdmissionRequest request, IEnumerable<ClusterPolicy> others, IEnumerable<ClusterNode> nodes)
    {
        // What is stored already must stay deletable and its finalizers changeable, also when a rule came later.
        if (request.Object is not { } policy || (request.OldObject is { } old && JsonNode.DeepEquals(old["spec"], policy["spec"])))
        {
            return AdmissionVerdict.Allowed;
        }

        OverlayCachePolicySpec spec;
        try
        {
            spec = policy["spec"].Deserialize<OverlayCachePolicySpec>(KubernetesJson.Options) ?? new OverlayCachePolicySpec();
        }
        catch (JsonException exception)
        {
            return AdmissionVerdict.Denied($"spec{exception.Path?.TrimStart('$')}: the value is not understood; see kubectl explain overlaycachepolicy.spec");
        }

        var problems = PolicyProblems.All(spec).ToArray();
        return problems.Length > 0
            ? AdmissionVerdict.Denied(string.Join("; ", problems.Select(problem => $"{problem.Field}: {problem.Message}")))
            : new AdmissionVerdict(Problem: null, Warnings(request.Name, spec, others, nodes));
    }

    // Not a refusal: in which order the objects of a set are applied must not matter.
    private static string[] Warnings(string name, OverlayCachePolicySpec spec, IEnumerable<ClusterPolicy> others, IEnumerable<ClusterNode> nodes)
    {
        var known = others.ToArray();
        var created = known.FirstOrDefault(Is)?.CreatedAt ?? DateTimeOffset.MaxValue;
        var compiled = PolicyCompiler.Compile([.. known.Where(other => !Is(other)), new ClusterPolicy(name, 0, created, spec)], nodes);
        return compiled.Policies[name].Acceptance is { IsAccepted: false, Message: var message } ? [Excerpt.Of(message, OverlayCachePolicyStatus.MaximumMessage)] : [];

        bool Is(ClusterPolicy other) => string.Equals(other.Name, name, StringComparison.Ordinal);
    }
}
