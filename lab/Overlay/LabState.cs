using System.Text.Json;
using System.Text.Json.Serialization;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Overlay;

/// <summary>What <c>lab.json</c> holds: enough to load a lab, and to tell that its owner is gone.</summary>
/// <param name="Owner">The process whose end ends the lab; null for a lab that stays until it is taken down.</param>
/// <param name="Complete">False while the lab is being made.</param>
internal sealed record LabState(ProcessIdentity? Owner, bool Complete, LabPlan Plan)
{
    /// <summary>Claims the lab's name: false when a state exists already.</summary>
    public bool TryCreate()
    {
        var names = new LabNames(Plan.Name);
        Directory.CreateDirectory(names.Folder);
        var draft = WriteDraft(names);
        try
        {
            File.Move(draft, names.StateFile, overwrite: false);
            return true;
        }
        catch (IOException)
        {
            File.Delete(draft);
            return false;
        }
    }

    public void Save()
    {
        var names = new LabNames(Plan.Name);
        File.Move(WriteDraft(names), names.StateFile, overwrite: true);
    }

    /// <summary>The state of a lab; null when there is none.</summary>
    public static LabState? Read(string name)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(new LabNames(name).StateFile), LabStateJson.Default.LabState);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException exception)
        {
            throw new LabException($"{new LabNames(name).StateFile}: not a lab state: {exception.Message}", exception);
        }
    }

    private string WriteDraft(LabNames names)
    {
        var draft = $"{names.StateFile}.{Guid.NewGuid():N}";
        File.WriteAllText(draft, JsonSerializer.Serialize(this, LabStateJson.Default.LabState));
        return draft;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LabState))]
internal sealed partial class LabStateJson : JsonSerializerContext;
