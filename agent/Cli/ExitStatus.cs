namespace OnCache.Agent.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitStatus
{
    public const int Success = 0;

    /// <summary>The machine, the kernel or another process stands in the way.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;
}
