using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Configuration;

/// <summary>The library's words for what is wrong; some of them carry whole stack traces.</summary>
internal static class Problem
{
    /// <summary>The first line of the innermost words.</summary>
    public static string FirstLine(Exception exception) => Connection.Explain(exception).ReplaceLineEndings("\n").Split('\n')[0];
}
