namespace OnCache.Agent.Bpf;

/// <summary>What the verifier wrote about a program that it refused.</summary>
internal sealed record VerifierReport(string Program, string Log)
{
    /// <summary>The last lines, on one line, and how many were left out.</summary>
    public string Tail(int lines)
    {
        var all = Log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var tail = string.Join(" | ", all.TakeLast(lines));
        return all.Length > lines ? $"{tail} ({all.Length - lines} lines left out)" : tail;
    }
}
