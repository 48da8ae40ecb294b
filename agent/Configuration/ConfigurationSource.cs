using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace OnCache.Agent.Configuration;

/// <summary>The configuration in force and its successors, as the file changes.</summary>
/// <remarks>
/// The file is looked at once a second rather than watched: the same few lines notice an edit in place, a rename over it and the
/// double symbolic link of a ConfigMap volume, on every file system, and reading some kilobytes costs microseconds.
/// New content counts once two looks in a row, the second one soon after the first, have seen it: a file caught while it is written is not
/// judged.
/// </remarks>
internal sealed partial class ConfigurationSource : IConfigurationSource
{
    private readonly ConfigurationFile _file;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private byte[]? _content;
    private volatile ConfigurationState _state;
    private volatile AgentConfiguration _current;

    private ConfigurationSource(ConfigurationFile file, byte[] content, AgentConfiguration current, TimeProvider time, ILogger logger)
    {
        _file = file;
        _content = content;
        _current = current;
        _time = time;
        _logger = logger;
        _state = new ConfigurationState(file.Path, time.GetUtcNow(), Error: null);
    }

    // An idle agent should cost nothing, and every look wakes it up.
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_secondLook = TimeSpan.FromMilliseconds(100);

    /// <summary>The last valid configuration.</summary>
    public AgentConfiguration Current => _current;

    /// <summary>How things stand, for the status.</summary>
    public ConfigurationState State => _state;

    /// <summary>Reads the file for the first time.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of every change.</param>
    /// <returns>The source, or all problems of the file.</returns>
    public static (ConfigurationSource? Source, IReadOnlyList<ConfigurationProblem> Problems) Open(string path, TimeProvider time, ILogger logger)
    {
        var file = new ConfigurationFile(path);
        var (content, problem) = file.Bytes();
        if (content is null)
        {
            return (null, [problem!]);
        }

        var reading = file.Read(content);
        return reading.IsValid
            ? (new ConfigurationSource(file, content, reading.Configuration, time, logger), [])
            : (null, reading.Problems);
    }

    /// <summary>Every valid configuration after the first. An invalid one is logged and noted in <see cref="State"/>, and the one before it stays.</summary>
    public async IAsyncEnumerable<AgentConfiguration> ChangesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval, _time);
        byte[]? candidate = null;
        string? unreadable = null;
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (timer.Period != s_interval)
            {
                timer.Period = s_interval;
            }

            var (content, problem) = _file.Bytes();
            if (content is null)
            {
                // A file that is gone for one look is being replaced.
                if (unreadable is not null && !string.Equals(_state.Error, unreadable, StringComparison.Ordinal))
                {
                    Reject(problem!.ToString());
                }

                if (unreadable is null)
                {
                    timer.Period = s_secondLook;
                }

                unreadable = problem!.ToString();
                _content = candidate = null;
                continue;
            }

            unreadable = null;
            if (Same(content, _content))
            {
                candidate = null;
            }
            else if (!Same(content, candidate))
            {
                candidate = content;
                timer.Period = s_secondLook;
            }
            else if (Accept(content) is { } next)
            {
                yield return next;
            }
        }
    }

    private AgentConfiguration? Accept(byte[] content)
    {
        _content = content;
        var reading = _file.Read(content);
        if (!reading.IsValid)
        {
            Reject(string.Join("; ", reading.Problems));
            return null;
        }

        _current = reading.Configuration;
        _state = new ConfigurationState(_file.Path, _time.GetUtcNow(), Error: null);
        LogLoaded(_file.Path);
        return reading.Configuration;
    }

    private void Reject(string error)
    {
        _state = _state with { Error = error };
        LogRejected(error);
    }

    private static bool Same(byte[] content, byte[]? other) => other is not null && content.AsSpan().SequenceEqual(other);

    [LoggerMessage(Level = LogLevel.Information, Message = "configuration {File} read anew")]
    private partial void LogLoaded(string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "configuration not accepted, the one before stays in force: {Error}")]
    private partial void LogRejected(string error);
}
