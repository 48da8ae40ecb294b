namespace OnCache.Lab.Cluster;

/// <summary>A program with its arguments.</summary>
internal sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments);
