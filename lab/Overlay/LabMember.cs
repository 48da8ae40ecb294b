using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>A node or a pod: something with a network namespace in which work can be run.</summary>
public abstract class LabMember : INetworkMember
{
    private readonly ProcessRegister register;

    private protected LabMember(string lab, string name)
    {
        var names = new LabNames(lab);
        register = new ProcessRegister(names);
        Name = name;
        Namespace = names.Namespace(name);
    }

    /// <summary>n1 for a node, n1p1 for a pod.</summary>
    public string Name { get; }

    /// <summary>The network namespace, a name under <c>/run/netns</c>.</summary>
    public string Namespace { get; }

    /// <inheritdoc/>
    public T Run<T>(Func<T> work) => NetworkNamespace.Run(Namespace, work);

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action work) => NetworkNamespace.Run(Namespace, work);

    /// <summary>Starts a process inside. It ends when it is disposed, and with the lab at the latest.</summary>
    public LabProcess StartProcess(string command, params IReadOnlyList<string> arguments)
    {
        var process = NetworkNamespace.StartProcess(Namespace, command, arguments);
        register.Add(process.Identity);
        process.OnEnded(() => register.Remove(process.Identity));
        return process;
    }

    /// <summary>Runs a command inside to its end; its exit status is for the caller to judge.</summary>
    public Task<CommandResult> RunCommandAsync(
        string command, IReadOnlyList<string> arguments, CancellationToken cancellationToken = default) =>
        NetworkNamespace.RunCommandAsync(Namespace, command, arguments, cancellationToken: cancellationToken);

    /// <summary>Turns the calling process into a command inside; the lab ends it when it goes down. Returns only on failure.</summary>
    internal int Become(string[] command)
    {
        register.Add(ProcessIdentity.Current);
        var status = ProcessImage.Replace(Namespace, command);
        register.Remove(ProcessIdentity.Current);
        return status;
    }

    public override string ToString() => Name;
}
