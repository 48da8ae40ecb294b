namespace OnCache.Lab.Policy;

/// <summary>What an enforcer of network policies does with flows that were established before a rule against them.</summary>
public enum EnforcerKind
{
    /// <summary>Only packets that open a flow are judged; established flows live on.</summary>
    NewOnly,

    /// <summary>Every packet is judged.</summary>
    Cutting,

    /// <summary>Only packets that open a flow are judged, and connection tracking is made to forget the flows that a rule denies.</summary>
    Forgetting,
}
