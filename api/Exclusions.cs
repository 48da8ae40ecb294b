using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>What is never accelerated. Exclusions win over every policy.</summary>
public sealed record Exclusions
{
    /// <summary>The most entries <see cref="Cidrs"/>, <see cref="Ports"/> and <see cref="Namespaces"/> accept each.</summary>
    public const int MaximumEntries = 1000;

    /// <summary>The most <see cref="PodSelectors"/>.</summary>
    public const int MaximumSelectors = 100;

    /// <summary>Peers, by address, that local pods reach over the CNI's path only.</summary>
    [JsonIgnore]
    public IReadOnlyList<Ipv4Cidr> Cidrs { get; init; } = [];

    /// <summary>Peers, as IPv4 ranges, that pods reach over the CNI's path only.</summary>
    [JsonPropertyName("cidrs")]
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Atomic)]
    [Pattern(FieldPatterns.Cidr, OnItems = true)]
    [Length(9, 18, OnItems = true)]
    public IReadOnlyList<string> CidrTexts
    {
        get => [.. Cidrs.Select(cidr => cidr.ToString())];
        init => Cidrs = [.. value.Select(text => Ipv4Cidr.TryParse(text, out var cidr, out var expected)
            ? cidr
            : throw new JsonException($"{text} is not accepted; {expected}"))];
    }

    /// <summary>Ports, at either end of a flow, that stay on the CNI's path.</summary>
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<PortExclusion> Ports { get; init; } = [];

    /// <summary>Namespaces, by name, whose pods are never accelerated.</summary>
    [Items(maxItems: MaximumEntries)]
    [ListType(ListType.Atomic)]
    [Pattern(FieldPatterns.Namespace, OnItems = true)]
    [Length(1, 63, OnItems = true)]
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Pods that are never accelerated: those that any of the selectors matches. The empty selector excludes all (as in Kubernetes).</summary>
    [Items(maxItems: MaximumSelectors)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<LabelSelector> PodSelectors { get; init; } = [];
}

/// <summary>A port of one transport protocol.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">1 to 65535.</param>
public readonly record struct PortExclusion(
    [property: Required, JsonRequired] TransportProtocol Protocol,
    [property: Required, JsonRequired, RangeMinimum(1), RangeMaximum(65_535)] int Port)
{
    /// <summary>What <see cref="Port"/> accepts.</summary>
    public static Bounds<int> PortBounds { get; } = new(1, 65_535);
}
