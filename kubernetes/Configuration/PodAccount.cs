using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OnCache.Kubernetes.Configuration;

/// <summary>What Kubernetes gives every pod: two variables and a folder. The library says of all of them only that something is missing.</summary>
internal static class PodAccount
{
    /// <summary>The folder in which every pod finds its service account.</summary>
    public const string Folder = "/var/run/secrets/kubernetes.io/serviceaccount";

    private const string HostVariable = "KUBERNETES_SERVICE_HOST";
    private const string PortVariable = "KUBERNETES_SERVICE_PORT";

    public static bool IsPod(Func<string, string?> variable) => !string.IsNullOrEmpty(variable(HostVariable));

    /// <summary>Where the token is.</summary>
    public static string Token(string folder) => Path.Combine(folder, "token");

    /// <exception cref="ConfigurationException">Something is missing or wrong; it is named.</exception>
    public static void Check(string folder, Func<string, string?> variable)
    {
        if (string.IsNullOrEmpty(variable(HostVariable)) || variable(PortVariable) is not { Length: > 0 } port)
        {
            throw new ConfigurationException($"not in a pod: {HostVariable} and {PortVariable} are not both set");
        }

        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535)
        {
            throw new ConfigurationException($"{PortVariable}: \"{port}\" is not a port");
        }

        if (!File.Exists(Token(folder)))
        {
            throw new ConfigurationException($"{Token(folder)} is missing: does the pod have automountServiceAccountToken: false?");
        }

        CheckAuthorities(Path.Combine(folder, "ca.crt"));
    }

    private static void CheckAuthorities(string path)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(path);
            if (authorities.Count == 0)
            {
                throw new ConfigurationException($"{path}: it holds no certificate");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigurationException($"{path}: {exception.Message}", exception);
        }
    }
}
