using System.Text.Json.Serialization;

namespace OnCache.Kubernetes.Models;

/// <summary>Selects by labels: every part must hold; without parts it selects all.</summary>
public sealed record V1LabelSelector
{
    /// <summary>Labels with exactly these values.</summary>
    public IReadOnlyDictionary<string, string> MatchLabels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Conditions on labels.</summary>
    public IReadOnlyList<V1LabelSelectorRequirement> MatchExpressions { get; init; } = [];

    /// <summary>Whether an object with these labels is selected.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        LabelMatching.Carries(MatchLabels, labels)
        && MatchExpressions.All(one => LabelMatching.Holds(one.Key, one.OperatorProperty, one.Values, labels));
}

/// <summary>A condition on one label.</summary>
public sealed record V1LabelSelectorRequirement
{
    /// <summary>The label.</summary>
    public required string Key { get; init; }

    /// <summary><c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</summary>
    [JsonPropertyName("operator")]
    public required string OperatorProperty { get; init; }

    /// <summary>The values of <c>In</c> and <c>NotIn</c>.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];
}
