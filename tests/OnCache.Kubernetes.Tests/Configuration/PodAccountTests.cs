using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Configuration;

public sealed class PodAccountTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("account-").FullName;
    private readonly Dictionary<string, string> _variables = new()
    {
        ["KUBERNETES_SERVICE_HOST"] = "10.96.0.1",
        ["KUBERNETES_SERVICE_PORT"] = "443",
    };

    public PodAccountTests()
    {
        File.WriteAllText(Path.Combine(_folder, "token"), "abc");
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), TestCertificates.Create("ca").Certificate);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_missing_is_named()
    {
        Should.NotThrow(Check);
        _variables["KUBERNETES_SERVICE_PORT"] = "no";
        Should.Throw<ConfigurationException>(Check).Message.ShouldBe("KUBERNETES_SERVICE_PORT: \"no\" is not a port");
        _variables.Remove("KUBERNETES_SERVICE_PORT");
        Should.Throw<ConfigurationException>(Check).Message.ShouldStartWith("not in a pod");
        _variables["KUBERNETES_SERVICE_PORT"] = "443";
        File.WriteAllText(Path.Combine(_folder, "ca.crt"), "no certificate");
        Should.Throw<ConfigurationException>(Check).Message.ShouldBe($"{_folder}/ca.crt: it holds no certificate");
        File.Delete(Path.Combine(_folder, "ca.crt"));
        Should.Throw<ConfigurationException>(Check).Message.ShouldStartWith($"{_folder}/ca.crt: ");
        File.Delete(Path.Combine(_folder, "token"));
        Should.Throw<ConfigurationException>(Check).Message.ShouldStartWith($"{_folder}/token is missing");
    }

    private void Check() => PodAccount.Check(_folder, name => _variables.GetValueOrDefault(name));
}
