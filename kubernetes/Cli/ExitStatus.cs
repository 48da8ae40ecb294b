namespace OnCache.Kubernetes.Cli;

/// <summary>What a program of ours returns.</summary>
public static class ExitStatus
{
    public const int Success = 0;

    /// <summary>The cluster, the machine or another process stands in the way, or a check failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;
}
