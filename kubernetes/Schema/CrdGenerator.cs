using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Schema;

/// <summary>Keeps a folder of manifests in agreement with the types they are made from. Other files in the folder are left alone.</summary>
public static class CrdGenerator
{
    private const string Mark = "# Generated from the C# type ";

    /// <summary>The manifests of some types, by file name.</summary>
    /// <exception cref="SchemaException">A part of a type cannot be described.</exception>
    public static IReadOnlyDictionary<string, string> Render(IReadOnlyList<Type> types)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            var entity = EntityType.Of(type);
            files.Add(
                $"{entity.Group}_{entity.Plural}.yaml",
                $"{Mark}{type.FullName}: change that, not this file.\n{YamlText.Of(CustomResourceDefinition.Of(type))}");
        }

        return files;
    }

    /// <summary>Writes the manifests and removes those of types that are gone.</summary>
    /// <returns>The files changed or removed.</returns>
    public static IReadOnlyList<string> Write(IReadOnlyList<Type> types, string folder)
    {
        var files = Render(types);
        var drifted = FindDrift(files, folder);
        _ = Directory.CreateDirectory(folder);
        foreach (var name in drifted)
        {
            var path = Path.Combine(folder, name);
            if (files.TryGetValue(name, out var text))
            {
                File.WriteAllText(path, text);
            }
            else
            {
                File.Delete(path);
            }
        }

        return drifted;
    }

    /// <summary>The files that <see cref="Write"/> would change or remove.</summary>
    public static IReadOnlyList<string> FindDrift(IReadOnlyList<Type> types, string folder) => FindDrift(Render(types), folder);

    /// <summary>Runs <c>FOLDER [--check]</c> for a program that knows the types.</summary>
    /// <returns>The exit status: 0; 1 when a check found drift or a type cannot be described; 2 for wrong arguments.</returns>
    public static int Run(IReadOnlyList<string> arguments, IReadOnlyList<Type> types, TextWriter output, TextWriter error)
    {
        var folders = arguments.Where(argument => argument != "--check").ToArray();
        if (folders is not [{ } folder] || folder.StartsWith('-'))
        {
            error.WriteLine($"arguments \"{string.Join(' ', arguments)}\": expected FOLDER [--check]");
            return 2;
        }

        try
        {
            var check = arguments.Contains("--check", StringComparer.Ordinal);
            var drifted = check ? FindDrift(types, folder) : Write(types, folder);
            foreach (var name in drifted)
            {
                (check ? error : output).WriteLine($"{Path.Combine(folder, name)}: {(check ? "differs from its type" : "written")}");
            }

            return check && drifted.Count > 0 ? 1 : 0;
        }
        catch (SchemaException exception)
        {
            error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static List<string> FindDrift(IReadOnlyDictionary<string, string> files, string folder)
    {
        var drifted = files
            .Where(file => Path.Combine(folder, file.Key) is var path && (!File.Exists(path) || File.ReadAllText(path) != file.Value))
            .Select(file => file.Key)
            .ToList();
        if (Directory.Exists(folder))
        {
            drifted.AddRange(Directory.EnumerateFiles(folder, "*.yaml")
                .Where(path => !files.ContainsKey(Path.GetFileName(path)) && IsGenerated(path))
                .Select(path => Path.GetFileName(path))
                .Order(StringComparer.Ordinal));
        }

        return drifted;
    }

    private static bool IsGenerated(string path) =>
        File.ReadLines(path).FirstOrDefault()?.StartsWith(Mark, StringComparison.Ordinal) == true;
}
