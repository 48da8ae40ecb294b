namespace OnCache.EndToEnd.Fixture;

/// <summary>What these tests need of the machine.</summary>
internal static class LiveLab
{
    public static bool IsRoot => string.Equals(Environment.UserName, "root", StringComparison.Ordinal);

    public static void Require() => Assert.SkipUnless(IsRoot, "needs root, to make network namespaces and to load eBPF programs");
}
