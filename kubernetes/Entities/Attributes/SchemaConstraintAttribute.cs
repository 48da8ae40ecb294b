namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>Something the schema demands of a value.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Property)]
public abstract class SchemaConstraintAttribute : Attribute
{
    /// <summary>Whether it is about each item of a list, or each value of a map, rather than the whole.</summary>
    public bool OnItems { get; set; }
}

/// <summary>The pattern a text must match.</summary>
/// <param name="regexPattern">A regular expression of the RE2 kind.</param>
public sealed class PatternAttribute(string regexPattern) : SchemaConstraintAttribute
{
    /// <summary>The expression.</summary>
    public string RegexPattern { get; } = regexPattern;
}

/// <summary>The OpenAPI format of a text.</summary>
/// <param name="format">Such as <c>ipv4</c> or <c>cidr</c>.</param>
public sealed class FormatAttribute(string format) : SchemaConstraintAttribute
{
    /// <summary>The format.</summary>
    public string Format { get; } = format;
}

/// <summary>How long a text may be, in characters.</summary>
/// <param name="minLength">At least; -1 for no bound.</param>
/// <param name="maxLength">At most; -1 for no bound.</param>
public sealed class LengthAttribute(long minLength = -1, long maxLength = -1) : SchemaConstraintAttribute
{
    /// <summary>At least.</summary>
    public long MinLength { get; } = minLength;

    /// <summary>At most.</summary>
    public long MaxLength { get; } = maxLength;
}

/// <summary>How many items a list, or entries a map, may have.</summary>
/// <param name="minItems">At least; -1 for no bound.</param>
/// <param name="maxItems">At most; -1 for no bound.</param>
public sealed class ItemsAttribute(long minItems = -1, long maxItems = -1) : SchemaConstraintAttribute
{
    /// <summary>At least.</summary>
    public long MinItems { get; } = minItems;

    /// <summary>At most.</summary>
    public long MaxItems { get; } = maxItems;
}

/// <summary>The smallest number.</summary>
/// <param name="minimum">The bound.</param>
public sealed class RangeMinimumAttribute(double minimum) : SchemaConstraintAttribute
{
    /// <summary>The bound.</summary>
    public double Minimum { get; } = minimum;
}

/// <summary>The largest number.</summary>
/// <param name="maximum">The bound.</param>
public sealed class RangeMaximumAttribute(double maximum) : SchemaConstraintAttribute
{
    /// <summary>The bound.</summary>
    public double Maximum { get; } = maximum;
}
