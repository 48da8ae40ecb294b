using System.Diagnostics;

namespace OnCache.Lab.Chaos;

/// <summary>The clock of a run, all that happened in it, and what was found wrong. Safe for use from several threads.</summary>
internal sealed class ChaosLog : IDisposable
{
    private readonly Lock sync = new();
    private readonly long started = Stopwatch.GetTimestamp();
    private readonly StreamWriter file;
    private readonly List<string> violations = [];

    public ChaosLog(string path)
    {
        Path = path;
        file = new StreamWriter(path) { AutoFlush = true };
    }

    public string Path { get; }

    /// <summary>Time since the run began.</summary>
    public TimeSpan Now => Stopwatch.GetElapsedTime(started);

    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (sync)
            {
                return [.. violations];
            }
        }
    }

    public void Event(string text) => Write("event", text);

    public void Violation(string text)
    {
        lock (sync)
        {
            violations.Add(text);
        }

        Write("VIOLATION", text);
    }

    /// <summary>Text of many lines, such as a log.</summary>
    public void Attach(string title, string text)
    {
        lock (sync)
        {
            file.WriteLine($"---- {title}");
            file.WriteLine(text);
        }
    }

    public void Dispose()
    {
        lock (sync)
        {
            file.Dispose();
        }
    }

    private void Write(string kind, string text)
    {
        var now = Now;
        lock (sync)
        {
            file.WriteLine(FormattableString.Invariant($"{now.TotalSeconds,9:0.000} {kind} {text}"));
        }
    }
}
