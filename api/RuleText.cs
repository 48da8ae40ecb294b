namespace OnCache.Api;

/// <summary>Rules of the schema in CEL, each with the words for who breaks it.</summary>
public static class RuleText
{
    /// <summary>The bounds of a lease.</summary>
    public const string Lease = "duration(self) >= duration('1s') && duration(self) <= duration('10m')";

    /// <summary>The words for <see cref="Lease"/>.</summary>
    public const string LeaseMessage = "out of range; use 1s to 10m";

    /// <summary>The bounds of a settling time.</summary>
    public const string Settle = "duration(self) <= duration('1m')";

    /// <summary>The words for <see cref="Settle"/>.</summary>
    public const string SettleMessage = "out of range; use 0s to 1m";

    /// <summary>Which operators of a label selector take values.</summary>
    public const string Values = "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0";

    /// <summary>The words for <see cref="Values"/>.</summary>
    public const string ValuesMessage = "operators In and NotIn need at least one value, Exists and DoesNotExist take none";
}
