using System.CommandLine;
using OnCache.Api;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Schema;

namespace OnCache.Operator.Cli;

/// <summary><c>oncache-operator crds</c>: writes the custom resource definitions, or checks that they are as they would be written.</summary>
internal static class CrdsVerb
{
    private static readonly Type[] Types = [typeof(V1Alpha1OverlayCachePolicy), typeof(V1Alpha1NodeCacheConfig)];

    public static Command Create(Streams streams)
    {
        var output = new Option<string>("--output") { HelpName = "DIR", Description = "folder of the manifests", Required = true };
        var check = new Option<bool>("--check") { Description = "write nothing; fail when a manifest differs from its type" };
        var command = new Command("crds", "write the custom resource definitions") { output, check };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(output), parsed.GetValue(check), streams));
        return command;
    }

    private static int Run(string folder, bool isCheck, Streams streams)
    {
        // The single file that is shipped has no place for them.
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, $"{typeof(V1Alpha1OverlayCachePolicy).Assembly.GetName().Name}.xml")))
        {
            streams.Problem($"crds: the documentation of the types is not beside this program, in {AppContext.BaseDirectory}; use make manifests");
            return ExitStatus.Failure;
        }

        foreach (var name in isCheck ? CrdGenerator.FindDrift(Types, folder) : CrdGenerator.Write(Types, folder))
        {
            var path = Path.Combine(folder, name);
            if (!isCheck)
            {
                streams.Output.WriteLine($"{path}: written");
                continue;
            }

            streams.Problem($"{path}: differs from its type; run make manifests");
        }

        return isCheck && CrdGenerator.FindDrift(Types, folder).Count > 0 ? ExitStatus.Failure : ExitStatus.Success;
    }
}
