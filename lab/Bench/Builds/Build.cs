namespace OnCache.Lab.Bench.Builds;

/// <summary>The names of the two builds in results.</summary>
internal static class Build
{
    /// <summary>As it was.</summary>
    public const string Base = "base";

    /// <summary>As it is.</summary>
    public const string This = "this";
}
