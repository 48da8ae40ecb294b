using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities.Attributes;

namespace OnCache.Api;

/// <summary>One policy as it applies to a node.</summary>
public sealed record CachePolicy
{
    /// <summary>The policy's name, unique within a node.</summary>
    [Length(1, 253)]
    public required string Name { get; init; }

    /// <summary>Higher wins; the list a node receives is already ordered by it.</summary>
    public int Priority { get; init; }

    /// <summary>What happens with the pods it matches.</summary>
    public AccelerationMode Mode { get; init; } = AccelerationMode.Accelerate;

    /// <summary>What becomes of flows of these pods that a rule of the node's own must see packet by packet.</summary>
    public HostRules HostRules { get; init; } = HostRules.Respect;

    /// <summary>The protocols it covers.</summary>
    [JsonIgnore]
    public Protocols Protocols { get; init; } = Protocols.All;

    /// <summary>The protocols it covers; ICMP means echo request and reply.</summary>
    [JsonPropertyName("protocols")]
    [Items(1, 3)]
    [ListType(ListType.Atomic)]
    public IReadOnlyList<Protocol> ListedProtocols
    {
        get => Protocols.ToList();
        init => Protocols = value.ToBits();
    }

    /// <summary>The namespaces it covers.</summary>
    public NamespaceSelection Namespaces { get; init; } = new();

    /// <summary>The pods it covers within those namespaces; absent or empty covers all.</summary>
    public LabelSelector? PodSelector { get; init; }
}
