using System.Net;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Applications;

/// <summary>A server that people run, and a tool that loads it.</summary>
internal interface IApplication
{
    /// <summary>What it needs: the program, and the Debian package that has it.</summary>
    IReadOnlyList<(string Program, string Package)> Programs { get; }

    int Port { get; }

    /// <summary>Starts the server in a node or pod.</summary>
    /// <param name="place">Where it runs and listens.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LabException">It does not start.</exception>
    Task<LabProcess> StartAsync(ApplicationPlace place, CancellationToken cancellationToken);

    /// <summary>What has to be done once it listens, from the client's side.</summary>
    Task PrepareAsync(LabMember client, ApplicationPlace place, CancellationToken cancellationToken);

    /// <summary>The command line of the load, for the client's side.</summary>
    IReadOnlyList<string> LoadCommand(Workload workload, ApplicationPlace place, int seconds);

    /// <summary>What the load's output says.</summary>
    /// <exception cref="LabException">Operations failed, or it is not understood.</exception>
    ApplicationLoad Parse(string output, ApplicationPlace place);
}

/// <param name="Member">The node or pod of the server.</param>
/// <param name="Folder">For its files; its own.</param>
/// <param name="Core">The core of both sides.</param>
internal sealed record ApplicationPlace(LabMember Member, IPAddress Address, string Folder, int Core)
{
    /// <summary>Runs a server there, on the core.</summary>
    public LabProcess StartProcess(params ReadOnlySpan<string> command) => Member.StartProcess("taskset", Pinned(command));

    /// <summary>taskset's arguments for a command on the core.</summary>
    public IReadOnlyList<string> Pinned(params ReadOnlySpan<string> command) => ["-c", FormattableString.Invariant($"{Core}"), .. command];
}

/// <summary>What a load tool reports.</summary>
/// <param name="P50Microseconds">Null where the tool does not tell.</param>
internal sealed record ApplicationLoad(long Operations, double Rate, double? P50Microseconds, double? P99Microseconds);
