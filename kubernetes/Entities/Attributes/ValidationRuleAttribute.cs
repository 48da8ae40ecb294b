namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>A rule in CEL that a value must keep; of a type, every value of the type.</summary>
/// <param name="rule">The expression over <c>self</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Property, AllowMultiple = true)]
public sealed class ValidationRuleAttribute(string rule) : Attribute
{
    /// <summary>The expression.</summary>
    public string Rule { get; } = rule;

    /// <summary>What the user reads when the rule is broken.</summary>
    public string? Message { get; set; }

    /// <summary>An expression that makes the message.</summary>
    public string? MessageExpression { get; set; }

    /// <summary>The field the message is about, such as <c>.lease</c>.</summary>
    public string? FieldPath { get; set; }

    /// <summary>Such as <c>FieldValueInvalid</c>.</summary>
    public string? Reason { get; set; }
}
