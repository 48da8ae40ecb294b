namespace OnCache.Api;

/// <summary>The smallest and the largest value a field accepts, both included.</summary>
/// <typeparam name="T">The field's type.</typeparam>
/// <param name="Minimum">The smallest accepted value.</param>
/// <param name="Maximum">The largest accepted value.</param>
public readonly record struct Bounds<T>(T Minimum, T Maximum)
    where T : IComparable<T>
{
    /// <summary>Whether <paramref name="value"/> lies within.</summary>
    public bool Contains(T value) => value.CompareTo(Minimum) >= 0 && value.CompareTo(Maximum) <= 0;
}
