namespace OnCache.Api;

/// <summary>Patterns of the schema. What matches one can be read; bounds and host bits are for the rules.</summary>
public static class FieldPatterns
{
    /// <summary>A duration in whole units.</summary>
    public const string Duration = "^([0-9]{1,6}(h|m|s|ms))+$";

    /// <summary>An IPv4 range.</summary>
    public const string Cidr = @"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])/(3[0-2]|[12]?[0-9])$";

    /// <summary>The name of a namespace.</summary>
    public const string Namespace = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
}
