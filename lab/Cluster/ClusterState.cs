using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Lab.Cluster.Control;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster;

/// <summary>What <c>cluster.json</c> holds: enough to load a cluster, and to tell that its owner is gone.</summary>
/// <param name="Owner">The process whose end ends the cluster; null for one that stays until it is taken down.</param>
/// <param name="Complete">False while the cluster is being made.</param>
/// <param name="Nodes">Number of nodes; 0 for a control plane alone.</param>
/// <param name="Mtu">MTU of the wire between the nodes, bytes.</param>
internal sealed record ClusterState(
    string Name, ProcessIdentity? Owner, bool Complete, int Nodes, int Mtu, ControlPlanePlacement ControlPlane)
{
    /// <summary>Claims the cluster's name.</summary>
    /// <exception cref="LabException">Another has it; says how to free it.</exception>
    public void Claim()
    {
        var names = new ClusterNames(Name);
        Directory.CreateDirectory(ClusterNames.Root);

        // Keys lie inside.
        Directory.CreateDirectory(names.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var draft = WriteDraft(names);
        try
        {
            File.Move(draft, names.StateFile, overwrite: false);
        }
        catch (IOException exception) when (File.Exists(names.StateFile))
        {
            File.Delete(draft);
            throw new LabException($"cluster '{Name}' exists already: take it down with 'oncache-lab cluster down --name {Name}'", exception);
        }
    }

    public void Save()
    {
        var names = new ClusterNames(Name);
        File.Move(WriteDraft(names), names.StateFile, overwrite: true);
    }

    /// <summary>The state of a cluster; null when there is none.</summary>
    public static ClusterState? Read(string name)
    {
        var file = new ClusterNames(name).StateFile;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), ClusterStateJson.Default.ClusterState);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException exception)
        {
            throw new LabException($"{file}: not a cluster's state: {exception.Message}", exception);
        }
    }

    /// <summary>The names of the clusters that exist, half-made ones included.</summary>
    public static IReadOnlyList<string> List() =>
        Directory.Exists(ClusterNames.Root)
            ? [.. Directory.EnumerateDirectories(ClusterNames.Root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
            : [];

    private string WriteDraft(ClusterNames names)
    {
        var draft = $"{names.StateFile}.{Guid.NewGuid():N}";
        File.WriteAllText(draft, JsonSerializer.Serialize(this, ClusterStateJson.Default.ClusterState));
        return draft;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(ClusterState))]
internal sealed partial class ClusterStateJson : JsonSerializerContext;
