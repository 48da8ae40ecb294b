namespace OnCache.Kubernetes.Entities.Attributes;

/// <summary>What makes two items of a list the same when several managers apply.</summary>
public enum ListType
{
    /// <summary>The list is one value; a manager owns it whole.</summary>
    Atomic,

    /// <summary>Items are plain values, each at most once.</summary>
    Set,

    /// <summary>Items are objects told apart by key fields.</summary>
    Map,
}

/// <summary>How a list is merged.</summary>
/// <param name="type">What makes items the same.</param>
/// <param name="keys">The key fields of <see cref="ListType.Map"/>, as named in JSON.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListTypeAttribute(ListType type, params string[] keys) : Attribute
{
    /// <summary>What makes items the same.</summary>
    public ListType Type { get; } = type;

    /// <summary>The key fields.</summary>
    public IReadOnlyList<string> Keys { get; } = keys;
}
