namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>A column of <c>kubectl get</c>. Columns appear in the order of the attributes.</summary>
/// <param name="jsonPath">Where its value is, such as <c>.spec.mode</c>.</param>
/// <param name="name">Its head.</param>
/// <param name="type"><c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c> or <c>date</c>.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class GenericAdditionalPrinterColumnAttribute(string jsonPath, string name, string type) : Attribute
{
    /// <summary>Where its value is.</summary>
    public string JsonPath { get; } = jsonPath;

    /// <summary>Its head.</summary>
    public string Name { get; } = name;

    /// <summary>Its type.</summary>
    public string Type { get; } = type;

    /// <summary>What it shows.</summary>
    public string? Description { get; set; }

    /// <summary>The OpenAPI format of its value.</summary>
    public string? Format { get; set; }

    /// <summary>0 for always, more for <c>-o wide</c> only.</summary>
    public int Priority { get; set; }
}
