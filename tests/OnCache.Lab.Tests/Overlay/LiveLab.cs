namespace OnCache.Lab.Tests.Overlay;

/// <summary>What the live tests need of the machine.</summary>
internal static class LiveLab
{
    public static void Require() => Assert.SkipUnless(
        string.Equals(Environment.UserName, "root", StringComparison.Ordinal), "needs root, to make network namespaces and mounts");
}
