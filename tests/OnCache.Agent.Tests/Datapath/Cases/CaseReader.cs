using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace OnCache.Agent.Tests.Datapath.Cases;

/// <summary>Reads the fixtures. What it does not know is an error, so that a misspelt field cannot pass for a case.</summary>
internal static class CaseReader
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Datapath", "Fixtures");

    /// <summary>All cases with their program, in the order of the files.</summary>
    public static IReadOnlyList<(string Program, PacketCase Case)> All() =>
    [
        .. Directory.GetFiles(Folder, "*.yaml")
            .Order(StringComparer.Ordinal)
            .SelectMany(path => ReadFile(path) is var file ? file.Cases.Select(item => (file.Program, item)) : []),
    ];

    /// <exception cref="YamlException">With the place and the unknown or missing field.</exception>
    public static CaseFile Read(TextReader text) =>
        new DeserializerBuilder()
            .WithNamingConvention(CamelCaseNamingConvention.Instance)
            .WithDuplicateKeyChecking()
            .WithEnforceRequiredMembers()
            .Build()
            .Deserialize<CaseFile>(new MergingParser(new Parser(text)));

    private static CaseFile ReadFile(string path)
    {
        using var text = File.OpenText(path);
        try
        {
            return Read(text);
        }
        catch (YamlException e)
        {
            throw new FormatException($"{Path.GetFileName(path)}, line {e.Start.Line}: {e.InnerException?.Message ?? e.Message}", e);
        }
    }
}
