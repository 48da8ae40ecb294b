namespace OnCache.Operator.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitStatus
{
    public const int Success = 0;

    /// <summary>The cluster or the machine stands in the way, or a check failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;
}
