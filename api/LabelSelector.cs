using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Api;

/// <summary>A Kubernetes label selector: every label and every expression must hold; the empty selector matches all objects.</summary>
public sealed record LabelSelector
{
    /// <summary>The most <see cref="MatchLabels"/> and <see cref="MatchExpressions"/> each.</summary>
    public const int MaximumRequirements = 32;

    /// <summary>Labels the object must carry with exactly these values.</summary>
    [Items(maxItems: MaximumRequirements)]
    [Length(maxLength: 63, OnItems = true)]
    public IReadOnlyDictionary<string, string> MatchLabels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Expressions that must all hold.</summary>
    [Items(maxItems: MaximumRequirements)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<LabelSelectorRequirement> MatchExpressions { get; init; } = [];

    /// <summary>Whether an object with these labels is selected.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        LabelMatching.Carries(MatchLabels, labels) && MatchExpressions.All(expression => expression.Holds(labels));
}

/// <summary>One expression of a label selector.</summary>
/// <param name="Key">The label's key.</param>
/// <param name="Operator">How the label is compared.</param>
/// <param name="Values">At least one for In and NotIn, none for Exists and DoesNotExist.</param>
[ValidationRule(RuleText.Values, Message = RuleText.ValuesMessage)]
public sealed record LabelSelectorRequirement(
    [property: JsonRequired, Length(1, 317)] string Key,
    [property: JsonRequired] LabelSelectorOperator Operator,
    IReadOnlyList<string>? Values = null)
{
    /// <summary>The most <see cref="Values"/>.</summary>
    public const int MaximumValues = 64;

    /// <summary>At least one for In and NotIn, none for Exists and DoesNotExist.</summary>
    [Items(maxItems: MaximumValues)]
    [ListType(ListType.Atomic)]
    [Length(maxLength: 63, OnItems = true)]
    public IReadOnlyList<string> Values { get; init; } = Values ?? [];

    /// <summary>Whether it holds for an object with these labels. As in Kubernetes, NotIn also holds when the label is absent.</summary>
    public bool Holds(IReadOnlyDictionary<string, string> labels) => LabelMatching.Holds(Key, Operator.ToString(), Values, labels);
}

/// <summary>The operators of a label selector, under Kubernetes' names.</summary>
[JsonConverter(typeof(EnumText<LabelSelectorOperator>))]
public enum LabelSelectorOperator
{
    /// <summary>The label is present with one of the values.</summary>
    In,

    /// <summary>The label is absent, or present with none of the values.</summary>
    NotIn,

    /// <summary>The label is present.</summary>
    Exists,

    /// <summary>The label is absent.</summary>
    DoesNotExist,
}
